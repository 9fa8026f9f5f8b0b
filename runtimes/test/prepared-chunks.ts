/** Loads chunks of a prepared import one by one, in the order that a test is about. */
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { changeState, type ImportState } from '../src/chunks/imports.ts';
import { createSink } from '../src/csv-import/load/sink.ts';
import { importTelemetry } from '../src/csv-import/telemetry.ts';
import {
  readContext,
  workChunk,
  type ChunkWorkOptions,
} from '../src/csv-import/worker/chunk-work.ts';
import { sourceOf, type PreparedImport } from './prepared-import.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

export function chunkWork({ config, app }: PreparedImport): ChunkWorkOptions {
  return {
    config,
    db: app,
    clock: systemClock,
    name: 'test',
    sink: createSink({ config }),
    source: sourceOf(config),
    telemetry: importTelemetry(log, createMetrics({})),
  };
}

export async function loadChunks(it: PreparedImport, chunks: readonly number[]): Promise<void> {
  const options = chunkWork(it);
  const context = await readContext(options);
  for (const chunk of chunks) {
    const outcome = await workChunk(chunk, context, options);
    if (outcome !== 'Loaded') throw new Error(`chunk ${String(chunk)} is ${outcome}`);
  }
}

/** The verdict of a coordinator, without its checks. */
export async function completeImport(
  it: PreparedImport,
  to: ImportState = 'Complete',
): Promise<void> {
  await changeState(it.app, it.uid, { from: ['Loading'], to });
}
