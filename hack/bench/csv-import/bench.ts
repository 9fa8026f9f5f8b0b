/** What every measurement of this bench is handed: servers that run, tables, and a way to load a file. */
import type { Baseline } from './baseline.ts';
import type { DataFile } from './data.ts';
import type { ImportResult } from './import-run.ts';
import type { BenchOptions } from './options.ts';
import type { Tables } from './tables.ts';

export interface Bench {
  readonly options: BenchOptions;
  readonly folder: string;
  readonly tables: Tables;
  readonly baseline: Baseline;
  /** Loads a file into the table of imports. */
  load(file: DataFile, workers: number, sealed?: readonly string[]): Promise<ImportResult>;
}
