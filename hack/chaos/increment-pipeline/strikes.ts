/**
 * What is done to the pipeline, and how it is known that work was hit.
 *
 * A worker is frozen (SIGSTOP) when one of its sessions is in a transaction, looked at again, and only
 * then killed or left frozen: it held a batch. A gateway counts if clients were connected to it and,
 * where it dies, if some of them lost a request with it. A server counts if requests waited for an
 * answer (Redis) or a worker was in a transaction (Postgres) right before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { signalProcess } from '../../backends/process-identity.ts';
import type { Random } from '../../load/random.ts';
import { connectionsTo, ownerOfPort, type PodProcess } from '../pods.ts';
import type { Load } from './load.ts';
import type { Scene } from './scene.ts';

export const targets = ['gateway', 'worker', 'redis', 'postgres', 'scale'] as const;
export type TargetName = (typeof targets)[number];

export interface Field {
  readonly scene: Scene;
  readonly load: Load;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface Blow {
  readonly isHit: boolean;
  readonly detail: string;
  /** What brings back what was taken; the next strike may not wait for it. */
  readonly repaired?: Promise<void>;
}

export interface Strike {
  readonly target: TargetName;
  readonly name: string;
  act(field: Field): Promise<Blow | undefined>;
}

const awayMs = { least: 5_000, most: 20_000 } as const;
/** Longer than the streams have room for at full load: gateways refuse, and take again afterwards. */
const longAwayMs = 60_000;
const pauseMs = { least: 1_000, most: 6_000 } as const;
const workersMax = 4;

export const strikes: readonly Strike[] = [
  { target: 'gateway', name: 'kill -9', act: async (field) => killGateway(field) },
  { target: 'gateway', name: 'kill -9 of all', act: async (field) => killAllGateways(field) },
  { target: 'gateway', name: 'pause', act: async (field) => pauseGateway(field) },
  { target: 'worker', name: 'kill -9', act: async (field) => strikeWorker(field, 'kill') },
  { target: 'worker', name: 'kill -9 again', act: async (field) => strikeWorker(field, 'kill') },
  { target: 'worker', name: 'kill -9 of all', act: async (field) => killAllWorkers(field) },
  { target: 'worker', name: 'pause', act: async (field) => strikeWorker(field, 'pause') },
  { target: 'worker', name: 'pause again', act: async (field) => strikeWorker(field, 'pause') },
  { target: 'redis', name: 'kill -9', act: async (field) => killServer(field, 'redis', 0) },
  { target: 'redis', name: 'away', act: async (field) => killServer(field, 'redis', away(field)) },
  { target: 'redis', name: 'pause', act: async (field) => pauseRedis(field) },
  { target: 'redis', name: 'connections cut', act: async (field) => cut(field, 'redis') },
  { target: 'postgres', name: 'kill -9', act: async (field) => killServer(field, 'postgres', 0) },
  {
    target: 'postgres',
    name: 'away',
    act: async (field) => killServer(field, 'postgres', away(field)),
  },
  {
    target: 'postgres',
    name: 'away for a minute',
    act: async (field) => killServer(field, 'postgres', longAwayMs),
  },
  { target: 'postgres', name: 'connections cut', act: async (field) => cut(field, 'postgres') },
  { target: 'scale', name: 'workers', act: async (field) => scale(field) },
  { target: 'scale', name: 'workers again', act: async (field) => scale(field) },
];

function away({ random }: Field): number {
  return random.between(awayMs.least, awayMs.most);
}

function pause({ random }: Field): number {
  return random.between(pauseMs.least, pauseMs.most);
}

function oneOf<Item>(items: readonly Item[], random: Random): Item | undefined {
  return items[random.below(items.length)];
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** A request that dies with its gateway is told to its client within a moment. */
const cutLooks = { every: 50, most: 30 } as const;

async function lostRequests({ load }: Field, before: number): Promise<number> {
  for (let look = 0; look < cutLooks.most && load.cut === before; look += 1)
    await delay(cutLooks.every);
  return load.cut - before;
}

async function killGateway(field: Field): Promise<Blow | undefined> {
  const { scene, load, random } = field;
  const busy = scene.pods('gateway').filter((pod) => connectionsTo(pod) > 0);
  const victim = oneOf(busy.length > 0 ? busy : scene.pods('gateway'), random);
  if (victim === undefined) return undefined;
  const before = load.cut;
  signalProcess(victim, 'SIGKILL');
  const lost = await lostRequests(field, before);
  return { isHit: lost > 0, detail: `${victim.pod}, ${String(lost)} requests cut` };
}

async function killAllGateways(field: Field): Promise<Blow | undefined> {
  const victims = field.scene.pods('gateway');
  const before = field.load.cut;
  for (const victim of victims) signalProcess(victim, 'SIGKILL');
  const lost = await lostRequests(field, before);
  return {
    isHit: lost > 0,
    detail: `${String(victims.length)} pods, ${String(lost)} requests cut`,
  };
}

async function pauseGateway(field: Field): Promise<Blow | undefined> {
  const { scene, random } = field;
  const busy = scene.pods('gateway').filter((pod) => connectionsTo(pod) > 0);
  const victim = oneOf(busy, random);
  if (victim === undefined) return undefined;
  const connections = connectionsTo(victim);
  const ms = pause(field);
  await frozen(victim, ms);
  return {
    isHit: true,
    detail: `${victim.pod}, ${seconds(ms)}, ${String(connections)} connections`,
  };
}

async function frozen(victim: PodProcess, ms: number): Promise<void> {
  signalProcess(victim, 'SIGSTOP');
  await delay(ms);
  signalProcess(victim, 'SIGCONT');
}

const workerLooks = { every: 5, most: 1_000 } as const;

/** Waits for a batch in a worker's hands; strikes some worker if none is seen. */
async function strikeWorker(field: Field, how: 'kill' | 'pause'): Promise<Blow | undefined> {
  const { scene, random, signal } = field;
  for (let look = 0; look < workerLooks.most && !signal.aborted; look += 1) {
    const victim = await committingWorker(field);
    if (victim !== undefined && signalProcess(victim, 'SIGSTOP')) {
      const isHolding = (await committingWorker(field, victim)) !== undefined;
      if (isHolding) return endFrozen(field, { victim, how, isHit: true });
      signalProcess(victim, 'SIGCONT');
    }
    await delay(workerLooks.every);
  }
  const victim = oneOf(scene.pods('worker'), random);
  if (victim === undefined) return undefined;
  signalProcess(victim, 'SIGSTOP');
  return endFrozen(field, { victim, how, isHit: false });
}

/** They hold a batch if one of them is in a transaction right before; none of them is frozen for it. */
async function killAllWorkers({ scene }: Field): Promise<Blow | undefined> {
  const held = await soonCommitting(scene);
  const victims = scene.pods('worker');
  for (const victim of victims) signalProcess(victim, 'SIGKILL');
  const detail = `${String(victims.length)} pods, ${String(held)} transactions`;
  return { isHit: held > 0 && victims.length > 0, detail };
}

async function committingWorker(
  { scene, random }: Field,
  only?: PodProcess,
): Promise<PodProcess | undefined> {
  const workers = only === undefined ? scene.pods('worker') : [only];
  const sessions = await scene.observer.committing();
  return oneOf(
    sessions.flatMap(({ port }) => ownerOfPort(port, workers) ?? []),
    random,
  );
}

async function endFrozen(
  field: Field,
  found: { readonly victim: PodProcess; readonly how: 'kill' | 'pause'; readonly isHit: boolean },
): Promise<Blow> {
  const { victim, how, isHit } = found;
  const holding = isHit ? ', in a transaction' : '';
  if (how === 'kill') {
    signalProcess(victim, 'SIGKILL');
    return { isHit, detail: `${victim.pod}${holding}` };
  }
  const ms = pause(field);
  await delay(ms);
  signalProcess(victim, 'SIGCONT');
  return { isHit, detail: `${victim.pod}, ${seconds(ms)}${holding}` };
}

async function killServer(
  { scene, load }: Field,
  name: 'redis' | 'postgres',
  ms: number,
): Promise<Blow> {
  const held = name === 'redis' ? load.underWay : await soonCommitting(scene);
  const backend = scene.backend(name);
  backend.kill('SIGKILL');
  const repaired = (async () => {
    await delay(ms);
    await backend.restart();
  })();
  repaired.catch(() => undefined);
  const what = name === 'redis' ? 'requests under way' : 'transactions';
  return { isHit: held > 0, detail: `${seconds(ms)}, ${String(held)} ${what}`, repaired };
}

/** Commits are short; one is waited for, for a while. */
async function soonCommitting({ observer }: Scene): Promise<number> {
  for (let look = 0; look < workerLooks.most; look += 1) {
    const { length } = await observer.committing();
    if (length > 0) return length;
    await delay(workerLooks.every);
  }
  return 0;
}

async function pauseRedis(field: Field): Promise<Blow> {
  const held = field.load.underWay;
  const backend = field.scene.backend('redis');
  const ms = pause(field);
  backend.kill('SIGSTOP');
  await delay(ms);
  backend.kill('SIGCONT');
  return { isHit: held > 0, detail: `${seconds(ms)}, ${String(held)} requests under way` };
}

async function cut({ scene, load }: Field, name: 'redis' | 'postgres'): Promise<Blow | undefined> {
  const held = name === 'redis' ? load.underWay : await soonCommitting(scene);
  const { observer } = scene;
  const connections = await (name === 'redis' ? observer.cutRedis() : observer.cutPostgres()).catch(
    () => 0,
  );
  if (connections === 0) return undefined;
  return { isHit: held > 0, detail: `${String(connections)} connections` };
}

const scaleDeadlineMs = 15_000;

async function scale({ scene, random, load }: Field): Promise<Blow> {
  const now = scene.pods('worker').length;
  const others = Array.from({ length: workersMax }, (_, index) => index + 1).filter(
    (many) => many !== now,
  );
  const wanted = oneOf(others, random) ?? 2;
  await scene.setWorkers(wanted);
  const deadlineMs = performance.now() + scaleDeadlineMs;
  while (scene.pods('worker').length !== wanted && performance.now() < deadlineMs) await delay(100);
  const is = scene.pods('worker').length;
  const detail = `${String(now)} to ${String(wanted)}${is === wanted ? '' : `, but ${String(is)}`}`;
  return { isHit: is === wanted && load.underWay > 0, detail };
}
