/**
 * Whom to strike, how, and when. A moment is due when a look says so; whether the strike hit work is
 * decided by a second look: for pods taken while the victim is frozen, so that it is still true when it
 * dies.
 */
import { endOf, roleOf, type LinkName } from './links.ts';
import type { Look, SessionLook, Stage } from './look.ts';
import type { Variant } from './manifest.ts';

/** Poison has no moment: its records are in the file of some rounds. */
export const targets = [
  'coordinator',
  'worker',
  'gateway',
  'rabbitmq',
  'postgres',
  'redis',
  's3',
  'play',
  'network',
  'disk',
  'poison',
] as const;
export type TargetName = (typeof targets)[number];
export type Phase = 'start' | 'work' | 'end';

export interface Sight extends Look {
  /** Chunks that wait in the queue; undefined when nobody asked or the broker is away. */
  readonly ready: number | 'Absent' | undefined;
  /** Cut and loaded at once, so that the plan is complete only when all is loaded. */
  readonly isStream: boolean;
}

/** FreezeForGood ends only when somebody ends the frozen process. */
export type How = 'Kill' | 'Freeze' | 'FreezeForGood' | 'Reset' | 'BlackHole' | 'FillDisk';

export interface Moment {
  readonly target: TargetName;
  readonly name: string;
  readonly phase: Phase;
  readonly how: How;
  /** What a reset or a black hole is on. */
  readonly link?: LinkName;
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
  sight.state === 'Loading' && (sight.planComplete || sight.isStream) && left(sight) > 0;
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
  how: 'Kill',
  isDue,
});
const atWork = (target: TargetName, name: string, isDue: Due): Moment => ({
  target,
  name,
  phase: 'work',
  how: 'Kill',
  isDue,
});
const atEnd = (target: TargetName, name: string, isDue: Due): Moment => ({
  target,
  name,
  phase: 'end',
  how: 'Kill',
  isDue,
});

function atStage(target: TargetName, name: string, stage: Stage): Moment {
  // Where a worker is, is known once it is frozen.
  const isDue: Due =
    target === 'worker' ? isLoading : (sight) => left(sight) > 0 && has(sight, stage);
  return { ...atWork(target, name, isDue), stage };
}

const verifying = (target: TargetName): Moment => atEnd(target, 'verifying', isVerifying);
const indexing = (target: TargetName): Moment =>
  atEnd(target, 'building an index', (sight) => isVerifying(sight) && has(sight, 'Indexing'));
const lastChunks = (target: TargetName): Moment =>
  atEnd(target, 'last chunks', (sight) => isLoading(sight) && left(sight) <= 3);

function onLink(link: LinkName, how: 'Reset' | 'BlackHole', base: Moment): Moment {
  const what = how === 'Reset' ? 'reset' : 'black hole';
  return { ...base, target: 'network', name: `${link} ${what}, ${base.name}`, how, link };
}

function frozen(base: Moment): Moment {
  return { ...base, name: `frozen, ${base.name}`, how: 'Freeze' };
}

/** Whether an import of this kind can meet it. */
export function fits(moment: Moment, variant: Variant): boolean {
  if (meets(moment, 'redis') && variant.cache === 'Off') return false;
  if (meets(moment, 's3') && variant.source === 'Volume') return false;
  if (variant.source === 'Gzip' && isOfWorkers(moment)) return false;
  // Through a proxy, a session's port does not tell whose process it is, and there are many links.
  return variant.isProxied
    ? moment.link !== undefined || beside.has(moment.target)
    : moment.link === undefined;
}

function meets({ target, link }: Moment, server: 'redis' | 's3' | 'rabbitmq'): boolean {
  return target === server || (link !== undefined && endOf(link) === server);
}

/** A coordinator that loads a stream by itself has neither workers nor a queue. */
function isOfWorkers(moment: Moment): boolean {
  const { target, link, asksQueue } = moment;
  const isWorker = target === 'worker' || (link !== undefined && roleOf(link) === 'worker');
  return isWorker || asksQueue === true || meets(moment, 'rabbitmq');
}

/** What is struck beside links: a server away for a while changes what a cut connection finds. */
const beside: ReadonlySet<TargetName> = new Set(['play', 'disk']);

const publishing = (target: TargetName): Moment => ({
  ...atStart(target, 'publishing', (sight) => left(sight) > 0 && isPublishing(sight)),
  asksQueue: true,
});
const cutting = (target: TargetName): Moment => atStart(target, 'cutting', isCutting);
const loading = (target: TargetName): Moment => atWork(target, 'loading', isLoading);
const copying = (target: TargetName): Moment => atStage(target, 'copying', 'Copying');
const merging = (target: TargetName): Moment => atStage(target, 'merging', 'Merging');
const committing = (target: TargetName): Moment => atStage(target, 'committing', 'Committing');
const loaded = (target: TargetName): Moment =>
  atStage(target, 'after COPY, before commit', 'Loaded');

const kills: readonly Moment[] = [
  cutting('coordinator'),
  publishing('coordinator'),
  loading('coordinator'),
  verifying('coordinator'),
  indexing('coordinator'),
  atEnd('coordinator', 'complete, not yet said', (sight) => sight.state === 'Complete'),
  copying('worker'),
  merging('worker'),
  loaded('worker'),
  { ...atStage('worker', 'between commit and ack', 'Committing'), isCommitted: true },
  lastChunks('worker'),
  loading('gateway'),
  {
    ...atStart('rabbitmq', 'queue just declared', (sight) => typeof sight.ready === 'number'),
    asksQueue: true,
    delayMaxMs: 1_500,
  },
  publishing('rabbitmq'),
  {
    ...atWork('rabbitmq', 'loading', (sight) => isLoading(sight) && Number(sight.ready) > 0),
    asksQueue: true,
  },
  lastChunks('rabbitmq'),
  cutting('postgres'),
  copying('postgres'),
  committing('postgres'),
  indexing('postgres'),
  verifying('postgres'),
  lastChunks('postgres'),
  loading('redis'),
  cutting('s3'),
  loading('s3'),
  cutting('play'),
  loading('play'),
  lastChunks('play'),
];

const freezes: readonly Moment[] = [
  frozen(loading('coordinator')),
  frozen(verifying('coordinator')),
  frozen(copying('worker')),
  frozen(loaded('worker')),
  { ...loaded('worker'), name: 'frozen for good, before commit', how: 'FreezeForGood' },
  frozen(loading('gateway')),
  frozen(loading('rabbitmq')),
  frozen(copying('postgres')),
  frozen(loading('redis')),
  frozen(loading('s3')),
];

const cuts: readonly Moment[] = [
  onLink('coordinator-postgres', 'Reset', cutting('network')),
  onLink('coordinator-postgres', 'BlackHole', loading('network')),
  onLink('coordinator-postgres', 'Reset', verifying('network')),
  onLink('coordinator-owner', 'Reset', indexing('network')),
  onLink('coordinator-owner', 'BlackHole', indexing('network')),
  onLink('coordinator-rabbitmq', 'Reset', publishing('network')),
  onLink('coordinator-rabbitmq', 'BlackHole', publishing('network')),
  onLink('coordinator-redis', 'Reset', loading('network')),
  onLink('coordinator-redis', 'BlackHole', loading('network')),
  onLink('coordinator-s3', 'Reset', cutting('network')),
  onLink('coordinator-s3', 'BlackHole', cutting('network')),
  onLink('worker-postgres', 'Reset', copying('network')),
  onLink('worker-postgres', 'Reset', committing('network')),
  onLink('worker-postgres', 'BlackHole', copying('network')),
  onLink('worker-postgres', 'BlackHole', committing('network')),
  onLink('worker-rabbitmq', 'Reset', loading('network')),
  onLink('worker-rabbitmq', 'BlackHole', loading('network')),
  onLink('worker-redis', 'Reset', loading('network')),
  onLink('worker-redis', 'BlackHole', loading('network')),
  onLink('worker-s3', 'Reset', loading('network')),
  onLink('worker-s3', 'BlackHole', loading('network')),
  onLink('gateway-postgres', 'Reset', loading('network')),
  onLink('gateway-postgres', 'BlackHole', loading('network')),
  onLink('gateway-redis', 'Reset', loading('network')),
  onLink('gateway-redis', 'BlackHole', loading('network')),
];

const full: readonly Moment[] = [copying, merging, committing].map((moment) => ({
  ...moment('disk'),
  name: `full, ${moment('disk').name}`,
  how: 'FillDisk',
}));

export const moments: readonly Moment[] = [...kills, ...freezes, ...cuts, ...full];
