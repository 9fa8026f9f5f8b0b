/** The memory of one worker, for each bar, on files of different sizes: it must not grow with the file. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bars, type Bar } from './bars.ts';
import { writeData, type DataFile } from './data.ts';
import type { Bench } from './bench.ts';
import { memoryHeader, memoryLine, type MemoryResult } from './report.ts';
import { importTable } from './tables.ts';

/** What one row of the generated file takes on average; the report says the true size. */
const rowBytes = 78;

export async function measureMemory(bench: Bench): Promise<void> {
  console.log(`\n${memoryHeader.join('\n')}`);
  for (const bar of bars.filter(({ name }) => bench.options.only.includes(name))) {
    let smallest: MemoryResult | undefined;
    for (const megabytes of bench.options.memory) {
      const result = await measureFile(bench, bar, megabytes);
      smallest ??= result;
      console.log(memoryLine(result, smallest));
    }
  }
}

async function measureFile(bench: Bench, bar: Bar, megabytes: number): Promise<MemoryResult> {
  const { folder, tables } = bench;
  const rows = Math.round((megabytes * 1_000_000) / rowBytes);
  const { duplicates } = bar;
  const data = await writeData(join(folder, 'rows.csv'), { rows, duplicates });
  await tables.dropAll();
  await tables.prepare(importTable, bar, rows);
  await tables.checkpoint();
  const result = { bar, data, peakBytes: await peakOf(bench, data) };
  await rm(data.path);
  return result;
}

async function peakOf(bench: Bench, data: DataFile): Promise<number> {
  const { workers } = await bench.load(data, 1);
  const [worker] = workers;
  if (worker === undefined) throw new Error('this platform does not tell the memory of a process');
  return worker.peakBytes;
}
