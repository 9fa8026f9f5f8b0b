/**
 * The clients of a run: plain ones and ones that repeat, one increment at a time and many, each group
 * with keys of its own, so that what must hold for a group can be asked of its keys.
 */
import { startClients, type Clients } from '../../load/clients.ts';
import { uuids } from '../../load/keys.ts';
import type { Random } from '../../load/random.ts';
import { sumOfTotals, type TallyTotals } from '../../load/tally.ts';
import type { GroupEvidence } from './verdict.ts';

interface GroupPlan {
  readonly name: string;
  readonly clients: number;
  readonly keys: number;
  readonly itemsPerRequest: number;
  readonly valueMax: number;
  readonly isRetrying: boolean;
}

/** So large that sums pass 2^53 within a minute, and 2^63 not within an hour. */
const largeMax = 100_000_000_000_000;

/** Batches make the numbers; single increments meet more moments. */
const plans: readonly GroupPlan[] = [
  {
    name: 'plain batches',
    clients: 3,
    keys: 3_000,
    itemsPerRequest: 500,
    valueMax: 1_000,
    isRetrying: false,
  },
  {
    name: 'plain singles',
    clients: 8,
    keys: 100,
    itemsPerRequest: 1,
    valueMax: largeMax,
    isRetrying: false,
  },
  {
    name: 'repeating batches',
    clients: 2,
    keys: 1_000,
    itemsPerRequest: 300,
    valueMax: 1_000,
    isRetrying: true,
  },
  {
    name: 'repeating singles',
    clients: 4,
    keys: 50,
    itemsPerRequest: 1,
    valueMax: largeMax,
    isRetrying: true,
  },
];

/** Longer than a gateway may take to say that it does not know. */
const timeoutMs = 15_000;

export class Load {
  readonly #groups: readonly { readonly plan: GroupPlan; readonly clients: Clients }[];

  constructor(url: string, random: Random) {
    this.#groups = plans.map((plan, index) => {
      const { clients, itemsPerRequest, valueMax, isRetrying } = plan;
      const drawn = random.forRound(index + 1);
      const keys = uuids(plan.keys, drawn);
      const retrying = isRetrying ? { retryingAs: `chaos-${String(index)}` } : {};
      const asked = { url, clients, keys, itemsPerRequest, valueMax, timeoutMs, random: drawn };
      return { plan, clients: startClients({ ...asked, ...retrying }) };
    });
  }

  get totals(): TallyTotals {
    return sumOfTotals(this.#groups.map(({ clients }) => clients.tally.totals));
  }

  get underWay(): number {
    return this.#groups.reduce((sum, { clients }) => sum + clients.underWay, 0);
  }

  /** Requests whose connection ended before their answer. */
  get cut(): number {
    return this.#groups.reduce((sum, { clients }) => {
      const codes = [...clients.reasons].filter(([reason]) => /^(E[A-Z]+|Cut)$/.test(reason));
      return sum + codes.reduce((times, [, one]) => times + one, 0);
    }, 0);
  }

  async stop(patienceMs: number): Promise<void> {
    await Promise.all(this.#groups.map(async ({ clients }) => clients.stop(patienceMs)));
  }

  evidence(): readonly GroupEvidence[] {
    return this.#groups.map(({ plan, clients }) => ({
      name: plan.name,
      isRetrying: plan.isRetrying,
      keys: [...clients.tally.byKey()],
      totals: clients.tally.totals,
      reasons: clients.reasons,
    }));
  }
}
