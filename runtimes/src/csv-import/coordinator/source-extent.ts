/**
 * How many bytes there are to read, as far as that is known.
 *
 * A source with ranges has its size. Of a stream only the stored size is known, and that not always;
 * what it comes to when it is read is reckoned from the part that was read, and exact at the end.
 */
import type { Plan } from '../../chunks/plan.ts';
import { isSequential, whySequential } from '../source/sequential-identity.ts';
import type { SourceIdentity } from '../source/source.ts';

export class SourceExtent {
  #bytes = 0;
  #storedBytes = 0;
  #why: string | undefined;

  /** Why the coordinator reads it from its start, if it does. */
  get sequential(): string | undefined {
    return this.#why;
  }

  pinned(source: SourceIdentity): void {
    this.#why = isSequential(source) ? whySequential(source) : undefined;
    this.#storedBytes = source.size;
    this.#bytes = isSequential(source) ? 0 : source.size;
  }

  /** How far a stream is read, in what is stored and in what is read. */
  streamed({ stored, read }: { readonly stored: number; readonly read: number }): void {
    if (this.#storedBytes === 0 || stored === 0) return;
    this.#bytes = Math.max(read, Math.round((read * this.#storedBytes) / stored));
  }

  /** 0 while nobody knows. */
  bytes(plan: Plan | undefined): number {
    return this.#why !== undefined && plan?.complete === true ? plan.plannedTo : this.#bytes;
  }
}
