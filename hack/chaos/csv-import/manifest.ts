/** The manifest of one import of a run. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bucket, compressedKey } from './objects.ts';
import type { Scene } from './scene.ts';

export interface Variant {
  readonly onConflict: 'LatestWins' | 'FirstWins';
  readonly cache: 'Off' | 'Invalidate' | 'Warm';
  /** A volume's file, an object read by ranges, or a compressed one that only its coordinator can read. */
  readonly source: 'Volume' | 'S3' | 'Gzip';
  /** Its pods reach every server through a proxy. */
  readonly isProxied: boolean;
  /** Some records of its file kill the process that types them. */
  readonly isDeadly: boolean;
}

/** JSON is YAML. The name is also the table's. */
export async function writeManifest(scene: Scene, name: string, variant: Variant): Promise<string> {
  const { options, folder } = scene;
  const manifest = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'CsvImport',
    metadata: { name },
    spec: {
      source: sourceOf(scene, variant),
      format: { comment: '#', header: 'Present' },
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'serial', type: 'bigint' },
        { name: 'name', type: 'text' },
        { name: 'note', type: 'text' },
        { name: 'amount', type: 'decimal' },
        { name: 'joined', type: 'timestamp', format: 'EpochMillis' },
        { name: 'active', type: 'boolean' },
      ],
      target: { table: name, key: ['id'], onConflict: variant.onConflict },
      rejects: { maxRows: 1_000_000, maxPercent: 50 },
      cache: { mode: variant.cache },
      serve: { enabled: true, filters: ['name', 'note'] },
      workers: { min: options.workers, max: options.workers },
      chunkBytes: options.chunkBytes,
    },
  };
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify(manifest, null, 2));
  return file;
}

function sourceOf(scene: Scene, variant: Variant): object {
  const { name } = scene.file(variant);
  if (variant.source === 'Volume') return { volume: { claimName: 'data', path: name } };
  return { s3: { bucket, key: variant.source === 'S3' ? name : compressedKey(name) } };
}
