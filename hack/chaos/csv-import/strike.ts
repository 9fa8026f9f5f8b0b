/**
 * One strike: waits for its moment, makes sure of it, and strikes by pid, link or disk.
 *
 * A pod's process is frozen (SIGSTOP) for the milliseconds of the second look, so that it is struck
 * exactly where the look found it; if it had moved on meanwhile it is let go and the wait goes on.
 * Servers cannot be looked at while frozen: they are struck right after the look.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { signalProcess } from '../../backends/process-identity.ts';
import { queueName } from '@millrace/runtimes/csv-import/messages';
import { bodyBlow, serverBlow, type Blow } from './blows.ts';
import type { SessionLook } from './look.ts';
import type { Variant } from './manifest.ts';
import { isAt, type Moment, type Sight } from './moments.ts';
import {
  connectionsTo,
  hasLastWords,
  ownerOfPort,
  podProcesses,
  type PodProcess,
} from '../pods.ts';
import type { PlayProcess } from './play-process.ts';
import type { Random } from '../../load/random.ts';
import type { Scene } from './scene.ts';

export interface Strike {
  readonly moment: Moment;
  /** Seconds since the round began. */
  readonly atSeconds: number;
  /** Share of the chunks that were done. */
  readonly donePercent: number;
  /** Of a network or a disk there is none. */
  readonly pid: number;
  /** The chunk whose commit was not acknowledged, where only the next delivery proves it. */
  readonly chunk?: number;
  /** What is known of it only when it is over. */
  readonly blow?: Blow;
}

export interface StrikeOptions {
  readonly scene: Scene;
  readonly importName: string;
  readonly variant: Variant;
  readonly play: PlayProcess;
  readonly moment: Moment;
  /** Not before this share of the chunks is done. */
  readonly threshold: number;
  readonly random: Random;
  readonly startedMs: number;
  /** The round is over, one way or the other. */
  isOver(): boolean;
  /** Starts what was killed again, or waits for what ends by itself. */
  repair(moment: Moment, blow?: Blow): void;
}

const lookEveryMs = 2;
/** For a moment in the work that does not come: another is dealt while there is work left. */
const patienceMs = 12_000;

/** Undefined when the moment never came. */
export async function strike(options: StrikeOptions): Promise<Strike | undefined> {
  if (options.moment.isCommitted !== true) return awaitMoment(options);
  const { observer } = options.scene;
  await observer.slowCommits(true).catch(() => undefined);
  try {
    return await awaitMoment(options);
  } finally {
    await observer.slowCommits(false).catch(() => undefined);
  }
}

async function awaitMoment(options: StrikeOptions): Promise<Strike | undefined> {
  let sinceMs: number | undefined;
  while (!options.isOver()) {
    const sight = await look(options);
    if (sight !== undefined) {
      if (isFarEnough(options, sight)) sinceMs ??= performance.now();
      if (isInVain(options, sight, sinceMs)) return undefined;
      const done = isDue(options, sight) ? await attack(options, sight) : undefined;
      if (done !== undefined) return done;
    }
    await delay(lookEveryMs);
  }
  return undefined;
}

function isInVain({ moment }: StrikeOptions, sight: Sight, sinceMs = Infinity): boolean {
  const isLate = moment.phase === 'work' && performance.now() - sinceMs > patienceMs;
  return isLate || isPast(moment, sight);
}

async function look(options: StrikeOptions): Promise<Sight | undefined> {
  const { scene, importName, variant, moment } = options;
  const seen = await scene.observer.look(importName);
  if (seen === undefined) return undefined;
  const ready =
    moment.asksQueue === true
      ? await scene.queues.ready(queueName(seen.uid, seen.queue))
      : undefined;
  const isStream = variant.source === 'Gzip';
  // Until the end of a stream nobody knows how many chunks there are; its size tells about how many.
  const about = Math.floor(scene.file(variant).expected.bytes / scene.options.chunkBytes);
  return {
    ...seen,
    ready,
    isStream,
    chunks: isStream ? Math.max(seen.chunks, about) : seen.chunks,
  };
}

function isDue(options: StrikeOptions, sight: Sight): boolean {
  return isFarEnough(options, sight) && options.moment.isDue(sight);
}

function isFarEnough({ moment, threshold }: StrikeOptions, sight: Sight): boolean {
  return moment.phase !== 'work' || sight.done >= threshold * sight.chunks;
}

const order = ['Planning', 'Loading', 'Verifying', 'Complete'];

/** Later states never go back, so waiting on would be in vain. */
function isPast(moment: Moment, sight: Sight): boolean {
  const rank = order.indexOf(sight.state);
  if (moment.phase === 'end') return sight.state === 'Failed' || sight.state === 'Lost';
  if (moment.phase === 'start' && sight.planComplete && sight.done * 2 > sight.chunks) return true;
  return rank >= order.indexOf('Verifying') || rank < 0;
}

async function attack(options: StrikeOptions, sight: Sight): Promise<Strike | undefined> {
  switch (options.moment.target) {
    case 'coordinator':
    case 'gateway':
      return attackPod(options);
    case 'worker':
      return attackWorker(options);
    case 'play':
      options.play.kill('SIGKILL');
      return struck(options, sight, { pid: options.play.pid });
    default:
      return attackServer(options, sight);
  }
}

interface Victim {
  readonly pid: number;
  readonly blow?: Blow;
}

function struck(options: StrikeOptions, sight: Sight, { pid, blow }: Victim): Strike {
  const { moment, startedMs } = options;
  options.repair(moment, blow);
  return {
    moment,
    pid,
    atSeconds: (performance.now() - startedMs) / 1_000,
    donePercent: sight.chunks === 0 ? 0 : Math.floor((100 * sight.done) / sight.chunks),
    ...(blow === undefined ? {} : { blow }),
  };
}

async function attackServer(options: StrikeOptions, sight: Sight): Promise<Strike | undefined> {
  const { scene, moment, random } = options;
  let last = sight;
  if (moment.delayMaxMs !== undefined) {
    await delay(random.below(moment.delayMaxMs));
    const again = await look(options);
    // Work must still be there; the moment itself is when the wait began.
    if (again === undefined || again.done === again.chunks) return undefined;
    last = again;
  }
  const victim = await serverBlow({ scene, moment, random });
  return victim === undefined ? undefined : struck(options, last, victim);
}

/** A gateway counts only while somebody is connected to it. */
async function attackPod(options: StrikeOptions): Promise<Strike | undefined> {
  const { scene, importName, moment } = options;
  const victim = podProcesses(scene.stateDir, importName).find(
    ({ role }) => role === moment.target,
  );
  if (victim === undefined || hasLastWords(victim)) return undefined;
  if (moment.target === 'gateway' && connectionsTo(victim) === 0) return undefined;
  return frozen(options, victim, async () => {
    const again = await look(options);
    if (again === undefined || !moment.isDue(again) || hasLastWords(victim)) return undefined;
    return (blow) => struck(options, again, { pid: victim.pid, ...blow });
  });
}

/** Between two workers frozen in vain, so that they get on meanwhile. */
const workMs = { least: 3, most: 40 } as const;

/**
 * Some worker, frozen wherever it is: its session says where. To look first would find it elsewhere by
 * the time that it is frozen, on a busy host nearly always.
 */
async function attackWorker(options: StrikeOptions): Promise<Strike | undefined> {
  const { scene, importName, moment, random } = options;
  const workers = podProcesses(scene.stateDir, importName).filter(({ role }) => role === 'worker');
  const victim = workers[random.below(workers.length)];
  if (victim === undefined) return undefined;
  await delay(random.between(workMs.least, workMs.most));
  return frozen(options, victim, async () => {
    const sight = await look(options);
    const session = sight?.sessions.find(
      (one) => isMet(one, moment) && ownerOfPort(one.port, [victim]) !== undefined,
    );
    if (sight === undefined || session === undefined) return undefined;
    if (moment.isCommitted === true) return committed(options, { victim, port: session.port });
    return (blow) => struck(options, sight, { pid: victim.pid, ...blow });
  });
}

function isMet(session: SessionLook, { stage }: Moment): boolean {
  if (session.role !== 'worker') return false;
  return stage === undefined ? session.inTransaction : isAt(session, stage) && isBusy(session);
}

const commitLooks = 100;

/** The frozen victim's commit runs on in the server; it must end before the victim dies. */
async function committed(
  options: StrikeOptions,
  { victim, port }: { readonly victim: PodProcess; readonly port: number },
): Promise<Verdict | undefined> {
  for (let looks = 0; looks < commitLooks; looks += 1) {
    const sight = await look(options);
    const session = sight?.sessions.find((one) => one.port === port);
    if (sight === undefined || session?.stage !== 'Committing') return undefined;
    if (!session.isActive) {
      const chunk = await lastChunkOf(options, sight.uid, victim);
      if (chunk === undefined) return undefined;
      return (blow) => ({ ...struck(options, sight, { pid: victim.pid, ...blow }), chunk });
    }
    await delay(lookEveryMs);
  }
  return undefined;
}

/** A COMMIT that ran is no moment; one that runs is. */
function isBusy(session: SessionLook): boolean {
  return session.isActive || session.inTransaction;
}

/** What to say of the frozen victim when it has been struck. */
type Verdict = (more: { readonly blow?: Blow }) => Strike;

/** Strikes the frozen victim if `judge` says so, else lets it go on. */
async function frozen(
  { moment, random }: StrikeOptions,
  victim: PodProcess,
  judge: () => Promise<Verdict | undefined>,
): Promise<Strike | undefined> {
  if (!signalProcess(victim, 'SIGSTOP')) return undefined;
  let verdict: Verdict | undefined;
  try {
    verdict = await judge();
  } finally {
    if (verdict === undefined) signalProcess(victim, 'SIGCONT');
  }
  const blow = verdict === undefined ? undefined : bodyBlow(victim, { moment, random });
  return verdict?.(blow === undefined ? {} : { blow });
}

/** The chunk that this process committed last. */
async function lastChunkOf(
  { scene }: StrikeOptions,
  uid: string,
  victim: PodProcess,
): Promise<number | undefined> {
  const rows = await scene.observer
    .rows<{ chunk: number }>(
      `SELECT chunk FROM millrace.chunks
       WHERE import = $1 AND worker LIKE '%/' || $2 AND done_at IS NOT NULL
       ORDER BY done_at DESC LIMIT 1`,
      [uid, String(victim.pid)],
    )
    .catch(() => []);
  return rows[0]?.chunk;
}
