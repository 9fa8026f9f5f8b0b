/** The memory of one worker on files of different sizes: it must not grow with the file. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bars } from './bars.ts';
import { writeData, type DataFile } from './data.ts';
import type { Bench } from './bench.ts';
import { memoryHeader, memoryLine, type MemoryResult } from './report.ts';
import { importTable } from './tables.ts';

/** What one row of the generated file takes on average; the report says the true size. */
const rowBytes = 78;

export async function measureMemory(bench: Bench): Promise<void> {
  const [bar] = bars;
  if (bar === undefined) return;
  console.log(`\n${memoryHeader.join('\n')}`);
  let smallest: MemoryResult | undefined;
  for (const megabytes of bench.options.memory) {
    const rows = Math.round((megabytes * 1_000_000) / rowBytes);
    const data = await writeData(join(bench.folder, 'rows.csv'), { rows, duplicates: 0 });
    await bench.tables.dropAll();
    await bench.tables.prepare(importTable, bar, rows);
    await bench.tables.checkpoint();
    const result = { data, peakBytes: await peakOf(bench, data) };
    smallest ??= result;
    console.log(memoryLine(result, smallest));
    await rm(data.path);
  }
}

async function peakOf(bench: Bench, data: DataFile): Promise<number> {
  const { workers } = await bench.load(data, 1);
  const [worker] = workers;
  if (worker === undefined) throw new Error('this platform does not tell the memory of a process');
  return worker.peakBytes;
}
