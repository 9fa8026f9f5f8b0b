/**
 * The coordinator role: takes an import from its file to a verdict.
 *
 * Steps, each idempotent and each starting from the ledger, so that any process may die at any point
 * and the next one goes on: migrate → one coordinator at a time (advisory lock) → register → wait for
 * the table → pin source, dialect and columns → prepare tables → cut and announce while workers load
 * → recount and judge → Complete or Failed. One retry loop surrounds them: a Transient failure of
 * Postgres ends the attempt, is shown with its reason, and the steps run again. The broker's failures
 * are shown too but stop nothing, because the ledger can be cut and watched without it.
 */
import type { CsvImportPodConfig, CsvImportProgress } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { retryTransient } from '@millrace/kit/retry';
import {
  changeState,
  pinImport,
  readImport,
  registerImport,
  reopenImport,
  setStopping,
  type ImportRow,
} from '../../chunks/imports.ts';
import { releaseTarget } from '../../chunks/targets.ts';
import { readQueueNumber } from '../../chunks/queue-number.ts';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import type { Publisher } from '../../connectors/rabbitmq/publisher.ts';
import { removeQueues } from '../../connectors/rabbitmq/queue.ts';
import type { Dialect } from '../../csv/dialect.ts';
import { Announcer } from './announcer.ts';
import { lastBump } from './last-bump.ts';
import { showLedger } from './ledger-board.ts';
import { holdLock } from './lock.ts';
import { judge, patient } from './ending.ts';
import { finalReasons, ImportFailed } from '../failed.ts';
import { loadAll, whileBeating, type LoadingContext } from './loading.ts';
import { queueName } from '../messages.ts';
import { ProgressBoard } from './progress-board.ts';
import type { ColumnPlan, Sink } from '../load/sink-port.ts';
import type { PinnedHeader } from '../worker/chunk-work.ts';
import type { Source, SourceIdentity } from '../source/source.ts';
import { decideSource } from './source-pin.ts';
import { awaitTurn } from './target-turn.ts';
import type { ImportTelemetry } from '../telemetry.ts';

export interface CoordinatorOptions {
  readonly config: CsvImportPodConfig;
  readonly db: Database;
  readonly link: AmqpLink;
  readonly publisher: Pick<Publisher, 'send'>;
  readonly sink: Sink;
  readonly source: Source;
  /** Brings the ledger's tables up to date. */
  migrate(): Promise<void>;
  /** Asks the cache whether it is there, so that status can say so; absent with cache mode Off. */
  readonly pingCache?: () => Promise<void>;
  readonly clock: Clock;
  readonly telemetry: ImportTelemetry;
  /** Who loads, in the ledger, where the coordinator does it by itself; and what it needs for that. */
  readonly name: string;
  readonly bump?: LoadingContext['bump'];
  readonly isolation?: NonNullable<LoadingContext['isolation']>;
  readonly staleAfterMs?: number;
}

/** The session of the lock runs nothing but tiny queries; its silence is how a frozen server is noticed. */
const lockSession = { statementTimeoutMs: 5_000 };

/** Long enough for a broker that restarts; later than that the queues expire by themselves. */
const removalPatienceMs = 30_000;

/** Stopped: told to drain before there was a verdict; the next start goes on. */
export type CoordinatorOutcome = 'Complete' | 'Failed' | 'Stopped';

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #uid: string;
  readonly #board: ProgressBoard;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#uid = options.config.import.uid;
    this.#board = new ProgressBoard({
      clock: options.clock,
      backends: ['postgres', 'rabbitmq', ...(options.pingCache ? (['redis'] as const) : [])],
    });
  }

  progress(): CsvImportProgress {
    this.#observeLink();
    return this.#board.snapshot();
  }

  /** The final report, short enough for a termination message. */
  terminationMessage(): string {
    this.#observeLink();
    return this.#board.terminationMessage();
  }

  async run(signal: AbortSignal): Promise<CoordinatorOutcome> {
    const { clock, telemetry } = this.#options;
    try {
      return await retryTransient(() => this.#attempt(signal), {
        clock,
        signal,
        onWait: (failure, _attempt, waitMs) => {
          this.#board.waitFor(failure);
          telemetry.waiting(failure, waitMs);
        },
      });
    } catch (error) {
      if (signal.aborted && error instanceof Failure && error.family === 'Transient') {
        return 'Stopped';
      }
      throw error;
    }
  }

  async #attempt(signal: AbortSignal): Promise<CoordinatorOutcome> {
    const { db, clock } = this.#options;
    await this.#options.migrate();
    this.#board.backendOk('postgres');
    return await db.session(async (session) => {
      const isHeld = await holdLock(session, {
        uid: this.#uid,
        clock,
        signal,
        waiting: () =>
          this.#board.enter('Waiting', {
            reason: 'AnotherCoordinator',
            message: 'Another coordinator of this import is still running; waiting for its end.',
          }),
      });
      return isHeld ? await this.#runAlone(session, signal) : 'Stopped';
    }, lockSession);
  }

  async #runAlone(lock: Session, signal: AbortSignal): Promise<CoordinatorOutcome> {
    try {
      const it = await this.#register();
      const ended = await this.#alreadyEnded(it);
      return ended ?? (await this.#bringToEnd(lock, signal));
    } catch (error) {
      if (!(error instanceof Failure) || error.family !== 'Permanent') throw error;
      await this.#fail(error);
      return 'Failed';
    }
  }

  async #register(): Promise<ImportRow> {
    const { db, config } = this.#options;
    const { table: target } = config.target;
    const { chunkBytes } = config;
    await db.transaction((tx) => registerImport(tx, { ...config.import, target, chunkBytes }));
    return await this.#read();
  }

  async #read(): Promise<ImportRow> {
    const it = await readImport(this.#options.db, this.#uid);
    if (it === undefined) throw new ImportFailed('TargetLost', 'The ledger lost this import.');
    return it;
  }

  /** The verdict of an earlier run; undefined when there is something to do (again). */
  async #alreadyEnded(it: ImportRow): Promise<CoordinatorOutcome | undefined> {
    if (it.state === 'Complete') {
      await this.#countFromLedger(it);
      await this.#enter('Complete');
      // The coordinator that got so far may have died before it removed them.
      await this.#removeQueues();
      return 'Complete';
    }
    if (it.state !== 'Failed' && it.state !== 'Lost') return undefined;
    if (it.state === 'Lost' || finalReasons.has(it.reason ?? '')) {
      await this.#countFromLedger(it);
      this.#board.enter('Failed', {
        reason: it.reason ?? 'TargetLost',
        message: it.message ?? 'This import has failed before.',
      });
      // The coordinator that got so far may have died before it did this.
      await this.#bumpFailed();
      await this.#removeQueues();
      return 'Failed';
    }
    // Limits may have been raised, or a missing file supplied: try again from where it stopped.
    return undefined;
  }

  async #bringToEnd(lock: Session, signal: AbortSignal): Promise<CoordinatorOutcome> {
    const { db, config, clock } = this.#options;
    this.#board.enter('Planning');
    const seq = await awaitTurn(
      {
        db,
        uid: this.#uid,
        table: config.target.table,
        clock,
        ...(this.#options.staleAfterMs === undefined
          ? {}
          : { staleAfterMs: this.#options.staleAfterMs }),
        held: (tx) => reopenImport(tx, this.#uid),
        waiting: (holder) =>
          this.#board.enter('Waiting', {
            reason: 'TargetInUse',
            message: `The import ${holder.name} is loading the table ${config.target.table}; this one starts when it has ended.`,
          }),
      },
      signal,
    );
    if (seq === undefined) return 'Stopped';
    await this.#enter('Planning');
    // Before a table is made whose rows nobody could seal, or could open later.
    await this.#options.sink.requireKeys?.(db);
    const context = await this.#pin(seq, lock);
    await this.#enter('Loading');
    const end = await loadAll(context, signal);
    if (end === 'Stopped') return 'Stopped';
    await this.#enter('Verifying');
    await whileBeating(context, () => judge(context));
    await this.#finish();
    return 'Complete';
  }

  /** Reads what is pinned, or decides and pins it. */
  async #pin(seq: number, lock: Session): Promise<LoadingContext> {
    const { db, config, sink } = this.#options;
    let it = await this.#read();
    if (it.state === 'Planning') {
      const decided = await decideSource({ config, sink, source: this.#options.source });
      const { pinned, dialect, findings, header, columns } = decided;
      const { wasEmpty } = await sink.prepareTarget(columns);
      await db.transaction((tx) =>
        pinImport(tx, this.#uid, {
          source: pinned,
          dialect,
          header: {
            names: header.names,
            dataStart: header.dataStart,
            findings,
          } satisfies PinnedHeader,
          columns,
          targetWasEmpty: wasEmpty,
          dataStart: header.dataStart,
          firstLine: header.lines + 1,
          comments: header.comments,
          blank: header.blank,
        }),
      );
      it = await this.#read();
    }
    const [pinned, dialect] = [it.source as SourceIdentity, it.dialect as Dialect];
    const columns = it.columns as ColumnPlan;
    const header = it.header as PinnedHeader;
    this.#board.pinned({
      source: pinned,
      headBytes: header.dataStart,
      chunkBytes: it.chunkBytes,
      dialect,
      findings: header.findings,
      ignored: columns.ignored,
    });
    return {
      ...this.#options,
      uid: this.#uid,
      seq,
      pinned,
      dialect,
      columns,
      chunkBytes: it.chunkBytes,
      board: this.#board,
      lock,
      announcer: new Announcer({
        ...this.#options,
        uid: this.#uid,
        observed: (failure) => {
          if (failure === undefined) this.#board.backendOk('rabbitmq');
          else this.#board.backendFailed(failure);
        },
      }),
    };
  }

  async #finish(): Promise<void> {
    const { db, bump } = this.#options;
    // Whoever loaded the last chunk may have died between its commit and its bump; once the queue is
    // gone nobody is told of that chunk again.
    await bump?.();
    await db.transaction(async (tx) => {
      const changed = await changeState(tx, this.#uid, {
        from: ['Loading', 'Verifying'],
        to: 'Complete',
      });
      if (!changed) throw new ImportFailed('TargetLost', 'Another import took the table.');
      await releaseTarget(tx, this.#uid);
    });
    await this.#enter('Complete');
    await this.#removeQueues();
  }

  async #fail(failure: Failure): Promise<void> {
    const { db } = this.#options;
    await setStopping(db, this.#uid, true);
    await db.transaction(async (tx) => {
      await changeState(tx, this.#uid, {
        from: ['Planning', 'Loading', 'Verifying'],
        to: 'Failed',
        reason: failure.code,
        message: failure.message,
      });
      await releaseTarget(tx, this.#uid);
    });
    await this.#countFromLedger(await this.#read());
    const why = { reason: failure.code.slice(0, 64), message: failure.message };
    this.#board.enter('Failed', why);
    this.#options.telemetry.stateChanged('Failed', failure.code);
    await this.#bumpFailed();
    await this.#removeQueues();
  }

  async #bumpFailed(): Promise<void> {
    const { bump, clock } = this.#options;
    if (bump === undefined) return;
    const failed = (failure: Failure): void => this.#board.backendFailed(failure);
    await lastBump(() => bump(), { clock, failed });
  }

  /** Every queue the import ever had. */
  async #removeQueues(): Promise<void> {
    const { db, link, clock } = this.#options;
    const last = await readQueueNumber(db, this.#uid);
    const names = Array.from({ length: last }, (_, index) => queueName(this.#uid, index + 1));
    try {
      await removeQueues(link, names, { clock, patienceMs: removalPatienceMs });
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      this.#board.backendFailed(error);
    }
  }

  async #countFromLedger(it: ImportRow): Promise<void> {
    const { db, sink } = this.#options;
    await showLedger(this.#board, db, it);
    // Later imports may have replaced rows since; the totals are those of this import's end.
    if (it.seq === undefined || it.dialect === undefined || it.state === 'Complete') return;
    const { loaded } = await sink.recount(patient(db), { import: it.uid, seq: it.seq });
    this.#board.recounted(loaded);
  }

  async #enter(state: CsvImportProgress['state']): Promise<void> {
    this.#board.enter(state);
    this.#options.telemetry.stateChanged(state, undefined);
  }

  #observeLink(): void {
    const { state } = this.#options.link;
    if (state.ok) this.#board.backendOk('rabbitmq');
    else this.#board.backendFailed(state.failure);
  }
}
