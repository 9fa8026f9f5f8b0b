/** The manifest of the pipeline under fire; JSON is YAML. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChaosOptions } from './options.ts';

export const pipelineName = 'chaos';
export const tableName = 'chaos_increments';

/** No rate limit: what is refused by one would only make the run longer. */
export async function writeManifest(folder: string, options: ChaosOptions): Promise<string> {
  const manifest = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'IncrementPipeline',
    metadata: { name: pipelineName },
    spec: {
      target: { table: tableName },
      durability: 'Fsync',
      partitions: 8,
      flush: { interval: '1s', maxKeys: 5_000, staleAfter: '8s' },
      idempotency: { window: '1h' },
      gateway: { replicas: options.gateways },
      workers: { min: options.workers, max: options.workers },
    },
  };
  const file = join(folder, 'pipeline.yaml');
  await writeFile(file, JSON.stringify(manifest, null, 2));
  return file;
}
