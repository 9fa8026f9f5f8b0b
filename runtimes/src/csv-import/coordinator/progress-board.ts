/**
 * What the coordinator knows, in the shape it reports: at /progress while it runs and as the
 * termination message at its end. Holds facts only; nothing is decided by reading it.
 */
import type { BackendState } from '@millrace/crds/conditions';
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import type { Plan } from '../../chunks/plan.ts';
import type { LedgerTotals, ReasonCount } from '../../chunks/totals.ts';
import type { SuspectChunk } from '../../chunks/trials.ts';
import type { Dialect } from '../../csv/dialect.ts';
import type { Findings } from '../../csv/sniff-findings.ts';
import { dialectReport } from './dialect-report.ts';
import type { CrewFacts } from './crew-watch.ts';
import { SourceExtent } from './source-extent.ts';
import { workersWanted } from './workers-wanted.ts';
import type { SourceIdentity } from '../source/source.ts';

type State = CsvImportProgress['state'];
type BackendName = BackendState['name'];

/** Rates over a shorter window jump with every chunk. */
const rateWindowMs = 10_000;
/** The kubelet cuts longer termination messages, which would break the JSON. */
const terminationBytesMax = 4_096;
const messageMax = 1_024;

interface Sample {
  readonly atMs: number;
  readonly rows: number;
}

export class ProgressBoard {
  readonly #clock: Clock;
  readonly #backends = new Map<BackendName, BackendState>();
  #state: State = 'Waiting';
  #reason: string | undefined;
  #message: string | undefined;
  #totals: LedgerTotals | undefined;
  #loaded: number | undefined;
  #plan: Plan | undefined;
  #chunkBytes = 0;
  readonly #extentOf = new SourceExtent();
  #headBytes = 0;
  #samples: Sample[] = [];
  #dialect: Dialect | undefined;
  #findings: Findings | undefined;
  #ignored: readonly string[] = [];
  #reasons: readonly ReasonCount[] = [];
  #suspect: SuspectChunk | undefined;
  #crew: CrewFacts | undefined;

  constructor(options: { clock: Clock; backends: readonly BackendName[] }) {
    this.#clock = options.clock;
    for (const name of options.backends) {
      this.#set({ name, ok: false, reason: 'NotConnected', message: 'Not tried yet.' });
    }
  }

  enter(state: State, why?: { reason: string; message: string }): void {
    this.#state = state;
    this.#reason = why?.reason;
    this.#message = why?.message;
  }

  /** A backend is away: the state stays, with the reason why nothing moves. */
  waitFor(failure: Failure): void {
    this.backendFailed(failure);
    this.#reason = failure.code.slice(0, 64);
    this.#message = failure.message;
  }

  /** Workers died with this chunk; it is tried by parts. Shown while nothing worse is known. */
  suspects(chunk: SuspectChunk | undefined): void {
    this.#suspect = chunk;
  }

  /** How the workers get on, and what the server has room for. */
  crewSeen(facts: CrewFacts): void {
    this.#crew = facts;
  }

  pinned(it: {
    source: SourceIdentity;
    /** What comes before the data: mark and header. */
    headBytes: number;
    chunkBytes: number;
    dialect: Dialect;
    /** Why this dialect; ledgers of older versions do not hold it. */
    findings?: Findings | undefined;
    ignored: readonly string[];
  }): void {
    this.#extentOf.pinned(it.source);
    this.#headBytes = it.headBytes;
    this.#chunkBytes = it.chunkBytes;
    this.#dialect = it.dialect;
    this.#findings = it.findings;
    this.#ignored = it.ignored;
  }

  /** How far a stream is read. */
  streamed(read: { readonly stored: number; readonly read: number }): void {
    this.#extentOf.streamed(read);
  }

  counted(totals: LedgerTotals, plan: Plan, reasons: readonly ReasonCount[]): void {
    this.#totals = totals;
    this.#plan = plan;
    this.#reasons = reasons;
    const now = this.#clock.monotonic();
    this.#samples.push({ atMs: now, rows: totals.read });
    while ((this.#samples[0]?.atMs ?? now) < now - rateWindowMs) this.#samples.shift();
  }

  /** The recount of the table at the end replaces the running value. */
  recounted(loaded: number): void {
    this.#loaded = loaded;
  }

  backendOk(name: BackendName): void {
    if (this.#backends.get(name)?.ok === true) return;
    const since = new Date(this.#clock.now()).toISOString();
    this.#backends.set(name, { name, ok: true, since });
  }

  /** `since` stays while a backend stays down, even when the reason changes. */
  backendFailed(failure: Failure): void {
    const name = failure.backend;
    if (name !== 'postgres' && name !== 'redis' && name !== 'rabbitmq') return;
    this.#set({
      name,
      ok: false,
      reason: failure.code,
      message: failure.message.slice(0, messageMax),
    });
  }

  snapshot(): CsvImportProgress {
    return {
      state: this.#state,
      ...this.#why(),
      totals: this.#reportedTotals(),
      ...this.#extent(),
      ...this.#rate(),
      ...this.#dialectReport(),
      ...this.#lists(),
      backends: [...this.#backends.values()],
    };
  }

  /** The same as JSON that fits; lists go before anything a decision needs. */
  terminationMessage(): string {
    const full = this.snapshot();
    const { ignoredColumns: _ignored, ...withoutIgnored } = full;
    const { rejectReasons: _reasons, dialect, ...withoutLists } = withoutIgnored;
    const { reasons: _why, ...plain } = dialect ?? {};
    const known = { ...withoutLists, ...(dialect === undefined ? {} : { dialect: plain }) };
    const short = { ...known, message: full.message?.slice(0, 512) };
    const texts = [full, withoutIgnored, known, short].map((it) => JSON.stringify(it));
    const fitting = texts.find((text) => Buffer.byteLength(text) <= terminationBytesMax);
    return fitting ?? JSON.stringify({ ...short, message: undefined, backends: [] });
  }

  #why(): Pick<CsvImportProgress, 'reason' | 'message'> {
    if (this.#reason === undefined && this.#state === 'Loading' && this.#suspect !== undefined) {
      const { chunk, trials } = this.#suspect;
      const message = `Workers ended without a word while they held chunk ${chunk}. It is tried by parts to find the records that do this (${trials} trials so far); all others load.`;
      return { reason: 'ChunkIsolated', message };
    }
    return {
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(this.#message === undefined ? {} : { message: this.#message.slice(0, 2_048) }),
    };
  }

  #extent(): Pick<CsvImportProgress, 'bytes' | 'chunks' | 'sequential' | 'workers'> {
    const { plannedTo = 0, chunks = 0, complete = false } = this.#plan ?? {};
    const { chunksDone = 0, bytesDone = 0 } = this.#totals ?? {};
    const source = this.#extentOf.bytes(this.#plan);
    const { sequential } = this.#extentOf;
    return {
      // The head counts as done, so that done reaches source exactly at the end.
      bytes: { source, planned: plannedTo, done: this.#headBytes + bytesDone },
      chunks: { planned: chunks, done: chunksDone, complete },
      ...(sequential === undefined ? {} : { sequential }),
      workers:
        sequential === undefined
          ? workersWanted({
              state: this.#state,
              pending: chunks - chunksDone,
              uncutBytes: complete ? 0 : Math.max(0, source - plannedTo),
              chunkBytes: this.#chunkBytes,
              ...this.#crew,
            })
          : { wanted: 0, why: sequential },
    };
  }

  #lists(): Pick<CsvImportProgress, 'ignoredColumns' | 'rejectReasons'> {
    const ignoredColumns = this.#ignored.slice(0, 64).map((name) => name.slice(0, 128));
    const rejectReasons = this.#reasons.map((reason) => ({ ...reason }));
    return {
      ...(ignoredColumns.length === 0 ? {} : { ignoredColumns }),
      ...(rejectReasons.length === 0 ? {} : { rejectReasons }),
    };
  }

  #reportedTotals(): CsvImportProgress['totals'] {
    const { read = 0, rejected = 0, superseded = 0, comments = 0, blank = 0 } = this.#totals ?? {};
    const loaded = this.#loaded ?? Math.max(0, read - rejected - superseded);
    return { read, loaded, superseded, rejected, comments, blank };
  }

  #rate(): { rowsPerSecond?: number } {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return {};
    const seconds = (last.atMs - first.atMs) / 1000;
    return { rowsPerSecond: Math.round((last.rows - first.rows) / seconds) };
  }

  #dialectReport(): Pick<CsvImportProgress, 'dialect'> {
    if (this.#dialect === undefined) return {};
    return { dialect: dialectReport(this.#dialect, this.#findings) };
  }

  #set(state: Omit<BackendState, 'since'>): void {
    const before = this.#backends.get(state.name);
    const since =
      before?.ok === false && before.since !== undefined
        ? before.since
        : new Date(this.#clock.now()).toISOString();
    this.#backends.set(state.name, { ...state, since });
  }
}
