/**
 * The pods' configuration file: the spec with every default resolved, in a ConfigMap.
 *
 * Defaults live here and nowhere else, so that the file says exactly what a pod does. The digest of
 * the file in the pods' annotations makes them start anew when it changes. Numbers of pods are left
 * out of it: whoever only scales restarts nothing.
 */
import { createHash } from 'node:crypto';
import type { CsvImportPodConfig, CsvImportSpec } from '@millrace/crds/csv-import';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { configKey, configMapName, renderingKey, specKey, type Owner } from '../names.ts';
import { metadata } from './metadata.ts';
import {
  adminPort,
  backendsDir,
  graceMs,
  httpPort,
  sourceMountPath,
  terminationLog,
} from './pod.ts';

export const defaultChunkBytes = 16 * 1_024 * 1_024;
export const defaultRecordBytesMax = 16 * 1_024 * 1_024;
export const defaultWorkers = { min: 0, max: 4 } as const;
const defaultCacheTtlMs = 120_000;

const defaults = {
  target: { key: [], onConflict: 'LatestWins' as const, adopt: false },
  rejects: { maxRows: 1_000, maxPercent: 100 },
  serve: { enabled: false, filters: [] },
} satisfies Partial<Record<keyof CsvImportPodConfig, object>>;

export function podConfigOf(owner: Owner, spec: CsvImportSpec): CsvImportPodConfig {
  const { source, format, columns, target, rejects, cache, serve } = spec;
  return {
    import: { uid: owner.uid, namespace: owner.namespace, name: owner.name },
    source: { volume: { mountPath: sourceMountPath, path: source.volume?.path ?? '' } },
    format: format ?? {},
    ...(columns === undefined ? {} : { columns }),
    target: { ...defaults.target, ...target },
    rejects: { ...defaults.rejects, ...rejects },
    cache: { mode: cache?.mode ?? 'Off', ttlMs: cacheTtlMs(cache?.ttl) },
    serve: {
      enabled: serve?.enabled ?? defaults.serve.enabled,
      filters: serve?.filters ?? defaults.serve.filters,
    },
    chunkBytes: bytes(spec.chunkBytes, defaultChunkBytes),
    maxRecordBytes: bytes(spec.maxRecordBytes, defaultRecordBytesMax),
    bind: {
      admin: { host: '0.0.0.0', port: adminPort },
      http: { host: '0.0.0.0', port: httpPort },
    },
    backendsDir,
    terminationLog,
    graceMs,
    logLevel: 'info',
  };
}

function cacheTtlMs(ttl: string | undefined): number {
  return (ttl === undefined ? undefined : durationMs(ttl)) ?? defaultCacheTtlMs;
}

export function workerBounds(spec: CsvImportSpec): { readonly min: number; readonly max: number } {
  return { ...defaultWorkers, ...spec.workers };
}

function bytes(quantity: number | string | undefined, fallback: number): number {
  return (quantity === undefined ? undefined : quantityBytes(quantity)) ?? fallback;
}

export interface ConfigFile {
  readonly text: string;
  readonly hash: string;
}

export function configFile(owner: Owner, spec: CsvImportSpec): ConfigFile {
  const text = `${JSON.stringify(podConfigOf(owner, spec), undefined, 2)}\n`;
  return { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}

export function configMap(
  owner: Owner,
  spec: CsvImportSpec,
  rendering: { readonly config: string; readonly text: string },
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(owner, { name: configMapName(owner.name), component: 'config' }),
    data: {
      [configKey]: rendering.config,
      [specKey]: JSON.stringify(spec),
      [renderingKey]: rendering.text,
    },
  };
}
