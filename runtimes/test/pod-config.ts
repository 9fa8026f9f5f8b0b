/** A pod configuration with small chunks and two columns; tests override what they are about. */
import { join } from 'node:path';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';

export interface ConfigInput {
  readonly uid: string;
  readonly folder: string;
  readonly table: string;
  readonly overrides?: Partial<CsvImportPodConfig>;
}

export function podConfig({ uid, folder, table, overrides }: ConfigInput): CsvImportPodConfig {
  return {
    import: { uid, namespace: 'test', name: 'things' },
    source: { volume: { mountPath: folder, path: 'data.csv' } },
    format: {},
    target: { table, key: ['id'], onConflict: 'LatestWins', adopt: false },
    rejects: { maxRows: 1000, maxPercent: 100 },
    cache: { mode: 'Off', ttlMs: 1000 },
    serve: { enabled: false, filters: [] },
    chunkBytes: 1024,
    maxRecordBytes: 65_536,
    bind: { admin: { host: '127.0.0.1', port: 0 }, http: { host: '127.0.0.1', port: 0 } },
    backendsDir: folder,
    terminationLog: join(folder, 'termination'),
    graceMs: 5_000,
    logLevel: 'info',
    ...overrides,
  };
}
