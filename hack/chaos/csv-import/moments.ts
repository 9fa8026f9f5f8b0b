/**
 * Whom to kill and when. A moment is due when a look says so; whether the kill hit work is decided by
 * a second look: for pods taken while the victim is frozen, so that it is still true when it dies.
 */
import type { Look, SessionLook, Stage } from './look.ts';

export const targets = ['coordinator', 'worker', 'rabbitmq', 'postgres', 'redis', 'play'] as const;
export type TargetName = (typeof targets)[number];
export type Phase = 'start' | 'work' | 'end';

export interface Sight extends Look {
  /** Chunks that wait in the queue; undefined when nobody asked or the broker is away. */
  readonly ready: number | 'Absent' | undefined;
}

export interface Moment {
  readonly target: TargetName;
  readonly name: string;
  readonly phase: Phase;
  readonly asksQueue?: true;
  /** What one session must be doing; for workers it is the victim's. */
  readonly stage?: Stage;
  isDue(sight: Sight): boolean;
  /**
   * The victim dies with its commit done and not acknowledged. No look can see an acknowledgement, so
   * the next delivery of the chunk, found done, proves it at the end.
   */
  readonly isCommitted?: true;
  /** Waits this much longer than due, at most. */
  readonly delayMaxMs?: number;
}

const left = (sight: Sight): number => sight.chunks - sight.done;
const isCutting = (sight: Sight): boolean => sight.chunks > 0 && !sight.planComplete;
const isLoading = (sight: Sight): boolean =>
  sight.state === 'Loading' && sight.planComplete && left(sight) > 0;
const isVerifying = (sight: Sight): boolean => sight.state === 'Verifying';
const has = (sight: Sight, stage: Stage): boolean =>
  sight.sessions.some((session) => isAt(session, stage));

/** More is to do than what waits in the queue or is in a worker's hands. */
function isPublishing(sight: Sight): boolean {
  const inHand = sight.sessions.filter(({ role }) => role === 'worker').length;
  return typeof sight.ready === 'number' && left(sight) > sight.ready + inHand;
}

export function isAt(session: SessionLook, stage: Stage): boolean {
  if (session.stage !== stage) return false;
  if (stage === 'Committing') return true;
  return stage === 'Loaded' ? session.inTransaction : session.isActive;
}

type Due = Moment['isDue'];

const atStart = (target: TargetName, name: string, isDue: Due): Moment => ({
  target,
  name,
  phase: 'start',
  isDue,
});
const atWork = (target: TargetName, name: string, isDue: Due): Moment => ({
  target,
  name,
  phase: 'work',
  isDue,
});
const atEnd = (target: TargetName, name: string, isDue: Due): Moment => ({
  target,
  name,
  phase: 'end',
  isDue,
});

function atStage(target: TargetName, name: string, stage: Stage): Moment {
  return { ...atWork(target, name, (sight) => left(sight) > 0 && has(sight, stage)), stage };
}

const verifying = (target: TargetName): Moment => atEnd(target, 'verifying', isVerifying);
const indexing = (target: TargetName): Moment =>
  atEnd(target, 'building an index', (sight) => isVerifying(sight) && has(sight, 'Indexing'));
const lastChunks = (target: TargetName): Moment =>
  atEnd(target, 'last chunks', (sight) => isLoading(sight) && left(sight) <= 3);

export const moments: readonly Moment[] = [
  atStart('coordinator', 'cutting', isCutting),
  {
    ...atStart('coordinator', 'publishing', (sight) => left(sight) > 0 && isPublishing(sight)),
    asksQueue: true,
  },
  atWork('coordinator', 'loading', isLoading),
  verifying('coordinator'),
  indexing('coordinator'),
  atEnd('coordinator', 'complete, not yet said', (sight) => sight.state === 'Complete'),
  atStage('worker', 'copying', 'Copying'),
  atStage('worker', 'merging', 'Merging'),
  atStage('worker', 'after COPY, before commit', 'Loaded'),
  { ...atStage('worker', 'between commit and ack', 'Committing'), isCommitted: true },
  lastChunks('worker'),
  {
    ...atStart('rabbitmq', 'queue just declared', (sight) => typeof sight.ready === 'number'),
    asksQueue: true,
    delayMaxMs: 1_500,
  },
  {
    ...atStart('rabbitmq', 'publishing', (sight) => left(sight) > 0 && isPublishing(sight)),
    asksQueue: true,
  },
  {
    ...atWork('rabbitmq', 'loading', (sight) => isLoading(sight) && Number(sight.ready) > 0),
    asksQueue: true,
  },
  lastChunks('rabbitmq'),
  atStart('postgres', 'cutting', isCutting),
  atStage('postgres', 'copying', 'Copying'),
  atStage('postgres', 'committing', 'Committing'),
  indexing('postgres'),
  verifying('postgres'),
  lastChunks('postgres'),
  atWork('redis', 'loading', isLoading),
  atWork('redis', 'loading again', isLoading),
  atStart('play', 'cutting', isCutting),
  atWork('play', 'loading', isLoading),
  lastChunks('play'),
];
