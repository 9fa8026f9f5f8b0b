/**
 * The pods' configuration file: the spec with every default resolved.
 *
 * Defaults live here and nowhere else, so that the file says exactly what a pod does. Numbers of pods
 * are left out of it: whoever only scales restarts nothing.
 */
import type { CsvImportPodConfig, CsvImportSpec } from '@millrace/crds/csv-import';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import { configFileOf, type ConfigFile } from '../../../machinery/workload/config-map.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { podSurroundings } from '../../../machinery/workload/pod-template.ts';
import { rateLimitOf } from '../../../machinery/workload/rate-limit.ts';
import { sourceMountPath } from './pod.ts';

export const defaultChunkBytes = 16 * 1_024 * 1_024;
export const defaultRecordBytesMax = 16 * 1_024 * 1_024;
export const defaultWorkers = { min: 0, max: 4 } as const;
const defaultCacheTtlMs = 120_000;
const defaultWarmTtlMs = 24 * 3_600_000;
const defaultWarmBytes = 64 * 1_024 * 1_024;

const defaults = {
  target: { key: [], onConflict: 'LatestWins' as const, adopt: false },
  rejects: { maxRows: 1_000, maxPercent: 100 },
  serve: { enabled: false, filters: [] },
} satisfies Partial<Record<keyof CsvImportPodConfig, object>>;

export function podConfigOf(owner: Owner, spec: CsvImportSpec): CsvImportPodConfig {
  const { source, format, columns, target, rejects, cache, serve } = spec;
  return {
    import: { uid: owner.uid, namespace: owner.namespace, name: owner.name },
    source: sourceOf(source),
    format: format ?? {},
    ...(columns === undefined ? {} : { columns }),
    target: { ...defaults.target, ...target },
    rejects: { ...defaults.rejects, ...rejects },
    cache: cached(cache),
    serve: served(serve),
    chunkBytes: bytes(spec.chunkBytes, defaultChunkBytes),
    maxRecordBytes: bytes(spec.maxRecordBytes, defaultRecordBytesMax),
    ...podSurroundings,
  };
}

function sourceOf({ volume, ...others }: CsvImportSpec['source']): CsvImportPodConfig['source'] {
  return {
    ...(volume === undefined ? {} : { volume: { mountPath: sourceMountPath, path: volume.path } }),
    ...others,
  };
}

function served(serve: CsvImportSpec['serve']): CsvImportPodConfig['serve'] {
  const { enabled, filters } = { ...defaults.serve, ...serve };
  const auth = serve?.auth === undefined ? {} : { auth: serve.auth };
  return { enabled, filters, ...auth, ...rateLimitOf(serve?.rateLimit) };
}

function cached(cache: CsvImportSpec['cache']): CsvImportPodConfig['cache'] {
  const { mode = 'Off', ttl, maxBytes } = cache ?? {};
  const ttlMs = ttl === undefined ? undefined : durationMs(ttl);
  if (mode !== 'Warm') return { mode, ttlMs: ttlMs ?? defaultCacheTtlMs };
  // Rows that were written in advance are of use when somebody asks for them, not before.
  return {
    mode,
    ttlMs: ttlMs ?? defaultWarmTtlMs,
    maxBytes: bytes(maxBytes, defaultWarmBytes),
  };
}

export function workerBounds(spec: CsvImportSpec): { readonly min: number; readonly max: number } {
  return { ...defaultWorkers, ...spec.workers };
}

function bytes(quantity: number | string | undefined, fallback: number): number {
  return (quantity === undefined ? undefined : quantityBytes(quantity)) ?? fallback;
}

export function configFile(owner: Owner, spec: CsvImportSpec): ConfigFile {
  return configFileOf(podConfigOf(owner, spec));
}
