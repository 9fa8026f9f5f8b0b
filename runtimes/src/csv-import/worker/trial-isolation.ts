/** How this process tries a chunk that kills: by itself, started again in the role of a trial. */
import { getHeapStatistics } from 'node:v8';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { chunkTimeoutMs, type ChunkWorkOptions } from './chunk-work.ts';
import { trialProcess } from './trial-process.ts';

/** A trial starts a process, connects and may wait for a claim, on a host with much else to do. */
const trialPatience = 4;

export interface IsolationOptions {
  readonly config: CsvImportPodConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export function trialIsolation({
  config,
  env,
  signal,
}: IsolationOptions): NonNullable<ChunkWorkOptions['isolation']> {
  return {
    signal,
    runTrial: trialProcess({
      entry: [process.argv[1] ?? '', 'csv-import', 'trial'],
      execArgv: process.execArgv,
      env,
      heapMb: Math.ceil(getHeapStatistics().heap_size_limit / 1_048_576),
      processorMsMax: chunkTimeoutMs(config.chunkBytes),
      deadlineMs: trialPatience * chunkTimeoutMs(config.chunkBytes),
    }),
  };
}
