/** An import that has come to its end, in a private database, without a broker and without processes. */
import { randomUUID } from 'node:crypto';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { changeState } from '../src/chunks/imports.ts';
import { releaseTarget } from '../src/chunks/targets.ts';
import { createSink } from '../src/csv-import/load/sink.ts';
import type { KeyRingReader } from '../src/sealing/key-ring.ts';
import { importTelemetry } from '../src/csv-import/telemetry.ts';
import { readContext, workChunk } from '../src/csv-import/worker/chunk-work.ts';
import { preparedImport, prepareImport, sourceOf, type PreparedImport } from './prepared-import.ts';

export async function loadedImport(
  content: string,
  overrides: Partial<CsvImportPodConfig> = {},
  keys?: KeyRingReader,
): Promise<PreparedImport> {
  const it = await preparedImport(content, overrides);
  await loadToEnd(it, { ...it, keys });
  return it;
}

/** Imports the same file into the same table once more, as a resource of its own. */
export async function loadedAgain(
  it: PreparedImport,
): Promise<Pick<PreparedImport, 'uid' | 'config'>> {
  const uid = randomUUID();
  const config = { ...it.config, import: { ...it.config.import, uid } };
  const role = decodeURIComponent(new URL(it.env['POSTGRES_URL'] ?? '').username);
  const { chunks } = await prepareImport(config, it.owner, role);
  await loadToEnd(it, { config, chunks });
  return { uid, config };
}

interface Loaded extends Pick<PreparedImport, 'config' | 'chunks'> {
  readonly keys?: KeyRingReader | undefined;
}

async function loadToEnd(
  { app, owner }: Pick<PreparedImport, 'app' | 'owner'>,
  { config, chunks, keys }: Loaded,
): Promise<void> {
  const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
  const options = {
    config,
    db: app,
    sink: createSink({ config, ...(keys === undefined ? {} : { keys }) }),
    source: sourceOf(config),
    clock: systemClock,
    telemetry: importTelemetry(log, createMetrics({})),
    name: 'test',
  };
  const context = await readContext(options);
  for (const chunk of chunks) await workChunk(chunk, context, options);
  const { uid } = config.import;
  await owner.transaction(async (tx) => {
    await changeState(tx, uid, { from: ['Loading'], to: 'Complete' });
    await releaseTarget(tx, uid);
  });
}
