/**
 * One pipeline for one measurement: gateways and workers as processes of their own, with a uid and a
 * table that nothing else uses, on the servers of the bench. Without the operator and without play,
 * so that what is measured is the runtime.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { portAllocator } from '../../play/supervisor/free-port.ts';
import { startPod, type Pod } from '../pods.ts';
import type { Bench } from './bench.ts';
import { loopback, pipelineConfig } from './pipeline-config.ts';

const freePort = portAllocator();
/** Preparing Postgres takes seconds when other work wants the cores. */
const readyPatienceMs = 60_000;
const pollMs = 50;

export interface RolePod extends Pod {
  readonly name: string;
  readonly host: string;
  /** Of the increments; only a gateway listens there. */
  readonly port: number;
  readonly adminUrl: string;
}

export interface Pipeline extends AsyncDisposable {
  readonly uid: string;
  readonly table: string;
  /** Resolves when it is ready; it then is one more. */
  start(role: 'gateway' | 'worker'): Promise<RolePod>;
}

/** `name` is of the measurement, and the end of the table's name. */
export async function openPipeline(
  bench: Bench,
  options: { readonly name: string },
): Promise<Pipeline> {
  const uid = randomUUID();
  const table = `increments_${options.name}`;
  const folder = join(bench.folder, 'pods', `${options.name}-${uid.slice(0, 8)}`);
  const backendsDir = await writeBackends(folder, bench);
  const pods: RolePod[] = [];
  return {
    uid,
    table,
    start: async (role) => {
      const name = `${role}-${String(pods.length)}`;
      const ports = { admin: await freePort(), http: await freePort() };
      const { profile } = bench.options;
      const started = await startPod({
        kind: 'increment-pipeline',
        role,
        name,
        folder,
        config: pipelineConfig({ uid, table, backendsDir, ports }),
        ...(profile === undefined ? {} : { profile }),
      });
      const pod = {
        ...started,
        name,
        host: loopback,
        port: ports.http,
        adminUrl: `http://${loopback}:${String(ports.admin)}`,
      };
      pods.push(pod);
      await untilReady(pod);
      return pod;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pods.map((pod) => pod.stop()));
    },
  };
}

async function writeBackends(folder: string, { postgres, redis }: Bench): Promise<string> {
  const backendsDir = join(folder, 'backends');
  await mkdir(backendsDir, { recursive: true });
  const urls = {
    POSTGRES_URL: postgres.url,
    POSTGRES_OWNER_URL: postgres.extra.ownerUrl ?? postgres.url,
    REDIS_URL: redis.url,
  };
  for (const [name, url] of Object.entries(urls)) {
    await writeFile(join(backendsDir, name), url, { mode: 0o600 });
  }
  return backendsDir;
}

async function untilReady(pod: RolePod): Promise<void> {
  const deadlineMs = performance.now() + readyPatienceMs;
  let hasEnded = false;
  void pod.exited.then(() => (hasEnded = true));
  while (!(await isReady(pod))) {
    if (hasEnded || performance.now() > deadlineMs) {
      const last = (await pod.lines()).at(-1);
      throw new Error(`${pod.name} does not become ready; it last said ${JSON.stringify(last)}`);
    }
    await delay(pollMs);
  }
}

async function isReady({ adminUrl }: RolePod): Promise<boolean> {
  try {
    const response = await fetch(`${adminUrl}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
