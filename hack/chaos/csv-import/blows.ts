/**
 * What a strike does to its victim, and what is known only when it is over: when a frozen process goes
 * on or was ended by others, how many connections a cut link lost, whether the server met its full disk.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackendName } from '../../backends/backend.ts';
import { isAlive, signalProcess } from '../../backends/process-identity.ts';
import type { Random } from '../../load/random.ts';
import type { PodProcess } from '../pods.ts';
import { freeze } from './freeze.ts';
import type { LinkName } from './links.ts';
import type { Moment } from './moments.ts';
import type { Cut } from './network.ts';
import type { Scene } from './scene.ts';

/** A strike that lasts. Repairs of a run are done one after the other, so that it is over soon enough. */
export interface Blow {
  /** Ends it when its time has come. */
  end(): Promise<void>;
  /** Asked after its end: whether it hit, and what was seen. */
  result(): { readonly isHit: boolean; readonly detail: string };
}

interface BlowOptions {
  readonly moment: Moment;
  readonly random: Random;
}

const freezeMs = { least: 1_000, most: 8_000 } as const;
const resetMs = { least: 500, most: 2_500 } as const;
/** Beyond what a heartbeat forgives, short of a minute. */
const blackHoleMs = { least: 2_000, most: 25_000 } as const;
/** How long a server may take to need more room, and how long it is left without. */
const needMs = 20_000;
const fullMs = { least: 500, most: 4_000 } as const;
/** A liveness probe fails six times, ten seconds apart, and then there is a grace period. */
const livenessMs = 150_000;
const lookEveryMs = 100;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** On a process that has been frozen already; undefined when it simply dies. */
export function bodyBlow(victim: PodProcess, { moment, random }: BlowOptions): Blow | undefined {
  if (moment.how === 'Kill') {
    signalProcess(victim, 'SIGKILL');
    return undefined;
  }
  if (moment.how === 'FreezeForGood') return untilEnded(victim);
  const ms = random.between(freezeMs.least, freezeMs.most);
  return {
    end: async () => {
      await delay(ms);
      signalProcess(victim, 'SIGCONT');
    },
    result: () => ({ isHit: true, detail: seconds(ms) }),
  };
}

/** Left frozen: the supervisor has to notice. */
function untilEnded(victim: PodProcess): Blow {
  const startedMs = performance.now();
  let tookMs: number | undefined;
  return {
    end: async () => {
      while (isAlive(victim) && performance.now() - startedMs < livenessMs)
        await delay(lookEveryMs);
      if (!isAlive(victim)) tookMs = performance.now() - startedMs;
      signalProcess(victim, 'SIGKILL');
    },
    result: () => ({
      isHit: tookMs !== undefined,
      detail: tookMs === undefined ? 'nobody ended it' : `ended by others after ${seconds(tookMs)}`,
    }),
  };
}

interface Struck {
  readonly pid: number;
  readonly blow?: Blow;
}

/** On a server, on the way to it, or on the disk under it. */
export async function serverBlow(
  options: BlowOptions & { readonly scene: Scene },
): Promise<Struck | undefined> {
  const { scene, moment, random } = options;
  const { how, link, target } = moment;
  if (link !== undefined) return cutLink(options, link, how === 'Reset' ? 'Reset' : 'BlackHole');
  if (how === 'FillDisk') return fillDisk(options);
  const name = (['postgres', 'rabbitmq', 'redis', 's3'] as const).find((one) => one === target);
  if (name === undefined) return undefined;
  const backend = scene.backend(name);
  const pid = backend.pid ?? 0;
  if (how === 'Kill') {
    backend.kill('SIGKILL');
    return { pid, blow: startedAgain(scene, name, random) };
  }
  const goOn = freeze(pid);
  const ms = random.between(freezeMs.least, freezeMs.most);
  const end = async (): Promise<void> => {
    await delay(ms);
    goOn();
  };
  return { pid, blow: { end, result: () => ({ isHit: true, detail: seconds(ms) }) } };
}

/** A server that is away for up to three seconds, as one that is started again by its supervisor. */
const awayMaxMs = 3_000;

function startedAgain(scene: Scene, name: BackendName, random: Random): Blow {
  const ms = random.below(awayMaxMs);
  return {
    end: async () => {
      await delay(ms);
      await restarted(scene, name);
    },
    result: () => ({ isHit: true, detail: '' }),
  };
}

const restartMs = 60_000;

/** Again and again: its disk may be full just now. */
async function restarted(scene: Scene, name: BackendName): Promise<void> {
  for (const startedMs = performance.now(); ;) {
    try {
      await scene.backend(name).restart();
      return;
    } catch (error) {
      if (performance.now() - startedMs > restartMs) throw error;
      await delay(lookEveryMs);
    }
  }
}

async function cutLink(
  { scene, random }: BlowOptions & { readonly scene: Scene },
  link: LinkName,
  how: Cut,
): Promise<Struck | undefined> {
  const { network } = scene;
  if (network === undefined || network.clients(link) === 0) return undefined;
  const { least, most } = how === 'Reset' ? resetMs : blackHoleMs;
  const ms = random.between(least, most);
  const lift = await network.cut(link, how);
  let seen = { before: 0, gone: 0 };
  const end = async (): Promise<void> => {
    await delay(ms);
    seen = await lift();
  };
  const result = (): ReturnType<Blow['result']> => ({
    isHit: seen.gone > 0,
    detail: `${seconds(ms)}, ${String(seen.gone)} of ${String(seen.before)} connections lost`,
  });
  return { pid: 0, blow: { end, result } };
}

/** As Postgres says it. */
const noRoom = /No space left on device/g;

async function fillDisk({
  scene,
  random,
}: BlowOptions & { readonly scene: Scene }): Promise<Struck | undefined> {
  const { disk } = scene;
  if (disk === undefined) return undefined;
  const complaints = async (): Promise<number> =>
    [...(await scene.postgresLog()).matchAll(noRoom)].length;
  const before = await complaints();
  await disk.fill();
  const startedMs = performance.now();
  const ms = random.between(fullMs.least, fullMs.most);
  let seen = 0;
  const end = async (): Promise<void> => {
    while (seen === 0 && performance.now() - startedMs < needMs) {
      await delay(lookEveryMs);
      seen = (await complaints()) - before;
    }
    await delay(ms);
    seen = (await complaints()) - before;
    await disk.clear();
    // Without room for its log a server ends for good.
    if (!scene.isUp('postgres')) await restarted(scene, 'postgres');
  };
  const result = (): ReturnType<Blow['result']> => ({
    isHit: seen > 0,
    detail: `${String(seen)} writes refused`,
  });
  return { pid: 0, blow: { end, result } };
}

/** What a server has said; nothing where it has said nothing yet. */
export async function textOf(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '');
}
