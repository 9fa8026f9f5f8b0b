/** What is measured: the bars of the kind's design page, each with its file and its baseline. */

export type BarName = 'fresh' | 'duplicates' | 'half';

export interface Bar {
  readonly name: BarName;
  readonly title: string;
  /** The least ratio of rows a second, ours to the baseline's. */
  readonly least: number;
  readonly rows: number;
  readonly duplicates: number;
  /** Whether the table holds every second key before the load. */
  readonly isHeld: boolean;
  /** Straight into the table, or by a staging table and one INSERT … ON CONFLICT. */
  readonly baseline: 'copy' | 'staging';
}

/** Sizes so that all bars with one and two workers and five pairs take less than ten minutes. */
export const bars: readonly Bar[] = [
  {
    name: 'fresh',
    title: 'empty keyed table, no duplicates',
    least: 0.8,
    rows: 2_000_000,
    duplicates: 0,
    isHeld: false,
    baseline: 'copy',
  },
  {
    name: 'duplicates',
    title: 'empty keyed table, 2 % duplicate keys',
    least: 0.9,
    rows: 1_000_000,
    duplicates: 0.02,
    isHeld: false,
    baseline: 'staging',
  },
  {
    name: 'half',
    title: 'table that holds half the keys',
    least: 0.8,
    rows: 1_000_000,
    duplicates: 0,
    isHeld: true,
    baseline: 'staging',
  },
];
