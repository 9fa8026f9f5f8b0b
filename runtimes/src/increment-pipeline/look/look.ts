/**
 * The report of a pipeline: a look at the ledger and the streams, the same whoever takes it.
 *
 * A look is taken when somebody asks and at most once a second; those who ask meanwhile get the same
 * one. It ends in time: while a backend is away it says so, with what is known from before. It
 * decides nothing, but the operator drains, scales and judges by it, so it never shows less waiting
 * than there is.
 */
import type {
  IncrementPipelineProgress,
  IncrementPipelinePodConfig,
} from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { boundedReads, boundedWork, type BoundedWork } from '../../http/bounded-reads.ts';
import { transient } from '../../connectors/redis/failures.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { RedisLink } from '../../connectors/redis/link.ts';
import { checkDurability, type DurabilityState } from '../stream/durability.ts';
import { BackendStates } from './backends.ts';
import { count, countMembers, countOwned } from './counting.ts';
import { Rates } from './rates.ts';
import { readLedger, readStreams, type LedgerReading, type StreamsReading } from './reading.ts';
import { Staleness } from './staleness.ts';

/** What a gateway knows of its appending; see stream/appender.ts. */
export interface AppendStatus {
  readonly ready: boolean;
  readonly reason?: string;
  readonly message?: string;
}

export interface LookOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly database: Sql;
  readonly link: RedisLink;
  /** Of a gateway. */
  readonly appender?: { status(): AppendStatus };
  readonly clock: Clock;
  /** Told of every look that is taken. */
  readonly looked?: (progress: IncrementPipelineProgress) => void;
}

export interface Look {
  progress(): Promise<IncrementPipelineProgress>;
}

/** The numbers of one look are the same for everybody who asks within this time: less than between two polls. */
const freshMs = 400;
/** The operator waits for three seconds, for both together. */
const deadlineMs = 1_200;
const readsMax = 4;

export function createLook(options: LookOptions): Look {
  const { clock, looked } = options;
  const taker = new LookTaker(options);
  let latest: { readonly atMs: number; readonly progress: IncrementPipelineProgress } | undefined;
  let underWay: Promise<IncrementPipelineProgress> | undefined;
  const take = async (): Promise<IncrementPipelineProgress> => {
    try {
      const progress = await taker.take();
      latest = { atMs: clock.monotonic(), progress };
      looked?.(progress);
      return progress;
    } finally {
      underWay = undefined;
    }
  };
  return {
    progress: async () => {
      if (latest !== undefined && clock.monotonic() - latest.atMs < freshMs) return latest.progress;
      underWay ??= take();
      return await underWay;
    },
  };
}

class LookTaker {
  readonly #options: LookOptions;
  readonly #sql: Sql;
  readonly #redis: BoundedWork;
  readonly #backends: BackendStates;
  readonly #rates = new Rates();
  readonly #staleness = new Staleness();
  #ledger: LedgerReading = { partitions: [], members: [] };
  #streams: StreamsReading = { nowMs: 0, streams: new Map() };
  #durability: DurabilityState = { ok: true };

  constructor(options: LookOptions) {
    const { database, clock } = options;
    this.#options = options;
    this.#backends = new BackendStates(clock);
    this.#sql = boundedReads({ database, clock, readsMax, deadlineMs });
    this.#redis = boundedWork({
      clock,
      readsMax,
      deadlineMs,
      late: () => transient('Silent', 'Looking at the streams'),
    });
  }

  async take(): Promise<IncrementPipelineProgress> {
    const { config, link, clock } = this.#options;
    const { uid } = config.resource;
    const ledger = await this.#backends.tried('postgres', () => readLedger(this.#sql, uid));
    this.#ledger = ledger ?? { partitions: this.#ledger.partitions, members: [] };
    const rows = this.#ledger.partitions;
    const streams = await this.#backends.tried('redis', () =>
      this.#redis(async () => {
        this.#durability = await this.#readDurability();
        return await readStreams(link, uid, rows);
      }),
    );
    this.#streams = streams ?? this.#streams;
    const nowMs = clock.monotonic();
    if (streams !== undefined) this.#staleness.observe(streams, nowMs);
    const { totals, backlog } = count(rows, this.#streams.streams);
    if (ledger !== undefined && streams !== undefined) {
      this.#rates.add(nowMs, totals, ledger.members);
    }
    const { partitions, streams: budget } = config;
    return {
      ...this.#state(),
      totals,
      backlog: { ...backlog, maxBytes: budget.maxBytes },
      stalenessMs: this.#staleness.ageMs(nowMs),
      rates: this.#rates.now(),
      partitions: { total: partitions, owned: countOwned(ledger?.partitions ?? []) },
      members: countMembers(this.#ledger.members),
      durability: bounded(this.#durability),
      backends: this.#backends.list(),
    };
  }

  #state(): Pick<IncrementPipelineProgress, 'state' | 'reason' | 'message'> {
    const away = this.#backends.away();
    if (away !== undefined) return waiting(away.reason, away.message);
    const status = this.#options.appender?.status();
    if (status?.ready === false) return waiting(status.reason, status.message);
    if (!this.#durability.ok) return waiting('DurabilityNotMet', this.#durability.message);
    return { state: this.#ledger.partitions.length === 0 ? 'Starting' : 'Running' };
  }

  /** Asked anew by everybody: a worker appends nothing, and a gateway that starts has not looked yet. */
  async #readDurability(): Promise<DurabilityState> {
    const { config, link } = this.#options;
    const { durability, durabilityVouched: vouched } = config;
    return await checkDurability(link, { durability, vouched });
  }
}

function bounded({ ok, message }: DurabilityState): DurabilityState {
  return { ok, ...(message === undefined ? {} : { message: message.slice(0, 1_024) }) };
}

function waiting(reason: string | undefined, message: string | undefined) {
  return {
    state: 'Waiting' as const,
    ...(reason === undefined ? {} : { reason: reason.slice(0, 64) }),
    ...(message === undefined ? {} : { message: message.slice(0, 2_048) }),
  };
}
