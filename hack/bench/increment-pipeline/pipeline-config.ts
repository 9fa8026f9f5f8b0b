/** The configuration of the bench's pods; pure. */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';

export const loopback = '127.0.0.1';
const mebibyte = 1_048_576;

export interface PipelineConfigOptions {
  readonly uid: string;
  readonly table: string;
  readonly backendsDir: string;
  readonly ports: { readonly admin: number; readonly http: number };
}

/** The operator's defaults, but for a budget that a run without workers does not exhaust. */
export function pipelineConfig(options: PipelineConfigOptions): IncrementPipelinePodConfig {
  const { uid, table, backendsDir, ports } = options;
  return {
    resource: { uid, namespace: 'bench', name: 'bench' },
    target: { table },
    durability: 'Fsync',
    durabilityVouched: false,
    partitions: 8,
    flush: { intervalMs: 1_000, maxKeys: 5_000, staleAfterMs: 8_000 },
    streams: { maxBytes: 4_096 * mebibyte },
    idempotency: { windowMs: 86_400_000, maxKeys: 1_000_000 },
    auth: { mode: 'None' },
    deletionPolicy: 'Retain',
    bind: {
      admin: { host: loopback, port: ports.admin },
      http: { host: loopback, port: ports.http },
    },
    backendsDir,
    terminationLog: '',
    graceMs: 10_000,
    logLevel: 'info',
  };
}
