/** What `millrace replay` prints for people: a line a letter, and a sum; no key and no value. */
import { styleText } from 'node:util';
import type { KnownPipeline } from '@millrace/runtimes/increment-pipeline/ledger/pipelines';
import type { ReplayedLetter } from '@millrace/runtimes/increment-pipeline/ledger/replay';

export interface ReplayPageOptions {
  readonly pipeline: Pick<KnownPipeline, 'namespace' | 'name' | 'table'>;
  readonly isDryRun: boolean;
}

/** A screen or two; the rest is only counted. */
const linesMax = 100;
const widths = [8, 9, 34, 16, 10, 10] as const;
const heads = ['id', 'partition', 'entry', 'reason', 'increments', 'added', 'outcome'] as const;

export class ReplayPage {
  readonly #options: ReplayPageOptions;
  #letters = 0;
  #added = 0;
  #stay = 0;

  constructor(options: ReplayPageOptions) {
    this.#options = options;
  }

  /** How many letters could not be added, or not wholly. */
  get stay(): number {
    return this.#stay;
  }

  /** The lines for it, or none when there were many. */
  letter(letter: ReplayedLetter): string | undefined {
    this.#letters += 1;
    this.#added += letter.added;
    if (letter.outcome === 'Stays') this.#stay += 1;
    if (this.#letters > linesMax) return undefined;
    const { id, partition, entry, reason, increments, added, outcome, why } = letter;
    const result = why === undefined ? outcome : `${outcome} (${why})`;
    const line = row([id, partition, entry, reason, increments, added, result].map(String));
    return this.#letters === 1 ? `${styleText('bold', row(heads))}\n${line}` : line;
  }

  summary(): string {
    const { pipeline, isDryRun } = this.#options;
    const name = styleText('bold', `${pipeline.namespace}/${pipeline.name}`);
    if (this.#letters === 0) return `${name}: no dead letters wait`;
    const hidden = Math.max(0, this.#letters - linesMax);
    return [
      ...(hidden === 0 ? [] : [`… and ${String(hidden)} more`]),
      `${name}: ${String(this.#added)} increments ${isDryRun ? 'would be' : 'were'} added to ${pipeline.table}; ${String(this.#stay)} of ${String(this.#letters)} dead letters stay`,
    ].join('\n');
  }
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join(' ')
    .trimEnd();
}
