/**
 * What became of the increments that clients sent, key by key: the one side of the account whose
 * other side is the table. It takes 40 bytes a key, however many increments are sent.
 *
 * Accepted: answered with 200. Unanswered: nobody knows. Refused: answered that it was not taken, so
 * that none of it may ever be found in the table.
 */

/** What is known of a request that has ended. */
export type Fate = 'Accepted' | 'Unanswered' | 'Refused';

/** Increments of one request: which key, by index, and how much, in whole numbers up to 2^53. */
export interface Increments {
  readonly keys: Uint32Array;
  readonly values: Float64Array;
}

export interface KeyTally {
  readonly key: string;
  readonly accepted: bigint;
  readonly unanswered: bigint;
}

export interface TallyTotals {
  readonly requests: Readonly<Record<Fate, number>>;
  readonly increments: Readonly<Record<Fate, number>>;
}

const zero = (): Record<Fate, number> => ({ Accepted: 0, Unanswered: 0, Refused: 0 });

export class Tally {
  readonly keys: readonly string[];
  readonly #accepted: BigUint64Array;
  readonly #unanswered: BigUint64Array;
  readonly #requests = zero();
  readonly #increments = zero();

  constructor(keys: readonly string[]) {
    this.keys = keys;
    this.#accepted = new BigUint64Array(keys.length);
    this.#unanswered = new BigUint64Array(keys.length);
  }

  get totals(): TallyTotals {
    return { requests: { ...this.#requests }, increments: { ...this.#increments } };
  }

  record(fate: Fate, { keys, values }: Increments): void {
    this.#requests[fate] += 1;
    this.#increments[fate] += keys.length;
    if (fate === 'Refused') return;
    const sums = fate === 'Accepted' ? this.#accepted : this.#unanswered;
    for (const [at, key] of keys.entries()) sums[key] = (sums[key] ?? 0n) + BigInt(values[at] ?? 0);
  }

  *byKey(): Generator<KeyTally> {
    for (const [index, key] of this.keys.entries()) {
      const accepted = this.#accepted[index] ?? 0n;
      yield { key, accepted, unanswered: this.#unanswered[index] ?? 0n };
    }
  }
}

/** Both sides of several accounts together. */
export function sumOfTotals(all: readonly TallyTotals[]): TallyTotals {
  const sum = { requests: zero(), increments: zero() };
  for (const { requests, increments } of all) {
    for (const fate of ['Accepted', 'Unanswered', 'Refused'] as const) {
      sum.requests[fate] += requests[fate];
      sum.increments[fate] += increments[fate];
    }
  }
  return sum;
}
