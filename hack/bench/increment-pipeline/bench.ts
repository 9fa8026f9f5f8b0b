/** What every measurement of this bench is handed. */
import type { Pool } from 'pg';
import type { RunningBackend } from '../../backends/backend.ts';
import type { Result } from '../result.ts';
import type { BenchOptions } from './options.ts';

export interface Bench {
  readonly options: BenchOptions;
  /** On the disk that the servers write to. */
  readonly folder: string;
  readonly postgres: RunningBackend;
  readonly redis: RunningBackend;
  /** The bench's own connections, as the owner of all tables. */
  readonly owner: Pool;
  readonly log: (line: string) => void;
}

export type Measure = (bench: Bench) => Promise<readonly Result[]>;
