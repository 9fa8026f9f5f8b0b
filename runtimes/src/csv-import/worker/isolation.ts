/**
 * Isolation: what a worker does with a chunk that workers before it died with.
 *
 * The worker loads no byte of the chunk itself. It has every step done by a trial in a process of
 * its own, records in the ledger how that ended, and asks `examine` what is next, until the chunk is
 * loaded without its poison or the ledger says that no record alone is to blame. It stops between
 * trials when it is told to; the next worker goes on from the ledger.
 */
import type { ImportTelemetry } from '../telemetry.ts';
import { Fault } from '@millrace/kit/fault';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { endAttempt } from '../../chunks/attempts.ts';
import type { ChunkRef } from '../../chunks/claim.ts';
import { examine, type RecordRange } from '../../chunks/poison.ts';
import { beginTrial, readTrials } from '../../chunks/trials.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import type { RunTrial, TrialEnd } from './trial-process.ts';
import type { LoadedAlone, Unclaimed } from './trial.ts';

export interface IsolationOptions {
  readonly db: Database;
  readonly name: string;
  readonly telemetry: ImportTelemetry;
  readonly runTrial: RunTrial;
  readonly signal: AbortSignal;
  /** The chunk's bytes, where it would take a trial long to come to them. */
  readonly content?: Buffer | undefined;
}

interface Step extends RecordRange {
  readonly poison: readonly number[];
  readonly isKept: boolean;
}

/** What was loaded, or why there was nothing to load. */
export async function isolateChunk(
  ref: ChunkRef,
  options: IsolationOptions,
): Promise<LoadedAlone | Unclaimed> {
  // Without records first: it tells how many there are, and that trials can pass here at all.
  const first = await tryStep(ref, { from: 0, to: 0, poison: [], isKept: false }, options);
  if (first.end === 'Skipped') return first.why;
  if (first.end !== 'Passed') throw unexpected(first);
  const { records } = first;
  for (;;) {
    const { poison, next } = examine(await readTrials(options.db, ref), records);
    if (next.step === 'GiveUp') throw new Permanent(next.why, givenUp[next.why]);
    const isKept = next.step === 'Load';
    const range = next.step === 'Load' ? { from: 0, to: records } : next;
    const end = await tryStep(ref, { ...range, poison, isKept }, options);
    if (end.end === 'Loaded') return end;
    if (end.end === 'Skipped') return end.why;
    if (end.end !== 'Passed' && end.end !== 'Died') throw unexpected(end);
  }
}

const givenUp = {
  KillsTogether: 'Loading the chunk ends the process, but no single record of it does.',
  TooManyKillers: 'More records of the chunk end the process than are rejected one by one.',
  TooManyTrials: 'The chunk was tried by parts too often without an end.',
} as const;

async function tryStep(ref: ChunkRef, step: Step, options: IsolationOptions): Promise<TrialEnd> {
  const { db, name, telemetry, runTrial, signal, content } = options;
  if (signal.aborted) throw new Transient('Draining', 'The worker was told to end.');
  const attempt = await beginTrial(db, ref, { worker: name, ...step });
  const end = await runTrial({ ...step, chunk: ref.chunk, attempt }, content);
  telemetry.trialEnded({ chunk: ref.chunk, from: step.from, to: step.to, end });
  // What was loaded has ended in its own transaction.
  if (end.end !== 'Loaded') await endAttempt(db, attempt, outcomeOf(end));
  return end;
}

function outcomeOf(end: TrialEnd): string {
  if (end.end === 'Skipped') return end.why;
  if (end.end === 'Failed') return `Failed:${end.family}:${end.code}`;
  return end.end === 'Died' || end.end === 'Stopped' ? `${end.end}:${end.cause}` : end.end;
}

/** What a trial met is thrown here as if this worker had met it. */
function unexpected(end: TrialEnd): Error {
  if (end.end !== 'Failed') {
    const how = end.end === 'Died' || end.end === 'Stopped' ? end.cause : end.end;
    return new Transient('TrialEnded', `The process of a trial ended before its time (${how}).`);
  }
  const { family, code, message, backend } = end;
  if (family === 'Fault') return new Fault(message);
  const options = backend === undefined ? {} : { backend };
  return family === 'Permanent'
    ? new Permanent(code, message, options)
    : new Transient(code, message, options);
}
