/**
 * How many workers would be of use now, and why; pure. The user's bounds are the operator's to apply: a
 * coordinator that knew them would have to be started anew for every change of them.
 *
 * Nothing comes in: what is to do is what is left. One worker a chunk is the most that helps, and where
 * a chunk is short, fewer: one that has nothing to do for as long as it takes to start is of no use.
 * Chunks not cut yet count too, so that workers are there when a fast scan has only begun. Then the
 * server is asked: how many connections it has to give, and how many workers its commits have room for
 * (see crew.ts). The most restrictive of these is said in words.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import type { Crew } from '../../chunks/crew.ts';

/** One worker's pool; see worker and index. */
export const workerConnectionsMax = 2;
/** Connections that all workers of one import may open together. */
const connectionsTotalMax = 64;
/** Of what the server has free, this is left to everybody else. */
const leftShare = 0.2;
/** What a pod takes to start, at its quickest: less work than that is done before it is there. */
const leastWorkMs = 2_000;

export interface WorkersInput {
  readonly state: CsvImportProgress['state'];
  /** Cut and not committed. */
  readonly pending: number;
  readonly uncutBytes: number;
  readonly chunkBytes: number;
  /** How the workers get on that were heard of; absent or empty before the first chunk. */
  readonly crew?: Crew | undefined;
  /** More than this the commits of the server have no room for. */
  readonly knee?: number | undefined;
  /** Connections that are free, or that workers of this import hold. */
  readonly connections?: number | undefined;
}

type Workers = CsvImportProgress['workers'];

interface Limit {
  readonly most: number;
  readonly why: string;
}

export function workersWanted(input: WorkersInput): Workers {
  const { state, pending, uncutBytes, chunkBytes } = input;
  if (state !== 'Loading') return { wanted: 0, why: `nothing to load while ${state}` };
  const uncut = chunkBytes === 0 ? 0 : Math.ceil(uncutBytes / chunkBytes);
  const chunks = pending + uncut;
  const limits = [byWork(input, chunks), byConnections(input), byCommits(input)].filter(
    (limit) => limit !== undefined,
  );
  const wanted = Math.min(chunks, ...limits.map(({ most }) => most));
  const binding = limits.find(({ most }) => most === wanted && most < chunks);
  const left = `${pending} chunks pending + about ${uncut} to cut`;
  return {
    wanted,
    why: binding === undefined ? left : `${left}, at most ${wanted} ${binding.why}`,
    inputs: inputsOf(input, chunks),
  };
}

/** Never fewer than work now: what is at work ends its work sooner than it would be ended. */
function byWork({ crew }: WorkersInput, chunks: number): Limit | undefined {
  if (crew === undefined || crew.workers === 0) return undefined;
  const busy = Math.ceil((chunks * crew.chunkMs) / leastWorkMs);
  const why = `by work: a chunk takes ${seconds(crew.chunkMs)}`;
  return { most: Math.max(1, busy, crew.workers), why };
}

function byConnections({ connections }: WorkersInput): Limit {
  const most = Math.floor(connectionsTotalMax / workerConnectionsMax);
  if (connections === undefined) return { most, why: 'by connections' };
  const given = Math.max(1, Math.floor((connections * (1 - leftShare)) / workerConnectionsMax));
  return given < most
    ? { most: given, why: `by connections: the server has ${connections} to give` }
    : { most, why: 'by connections' };
}

function byCommits({ crew, knee }: WorkersInput): Limit | undefined {
  if (knee === undefined) return undefined;
  const now = `${seconds(crew?.commitMs ?? 0)}, not ${seconds(crew?.usualMs ?? 0)}`;
  return { most: knee, why: `by commits: with more, one took ${now}` };
}

function inputsOf(
  { crew, knee, connections }: WorkersInput,
  chunksLeft: number,
): NonNullable<Workers['inputs']> {
  return {
    chunksLeft,
    ...(crew === undefined || crew.workers === 0
      ? {}
      : {
          present: crew.workers,
          chunkSeconds: inSeconds(crew.chunkMs),
          commitSeconds: inSeconds(crew.commitMs),
          usualCommitSeconds: inSeconds(crew.usualMs),
          paceRatio: twoDigits(crew.shares / crew.workers),
        }),
    ...(connections === undefined ? {} : { connectionsFree: connections }),
    ...(knee === undefined ? {} : { usefulMax: knee }),
  };
}

/** Measurements move at every look; two digits of them say as much. */
function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}

function inSeconds(ms: number): number {
  return twoDigits(ms / 1_000);
}

function seconds(ms: number): string {
  return `${inSeconds(ms)} s`;
}
