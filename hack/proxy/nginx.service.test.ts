/**
 * The balancer of nginx.conf in front of real gateways, each a process that can be killed: what reaches
 * them, what is sent to another one, and what comes back.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../runtimes/test/backends.ts';
import { roleProcess, type RoleProcess } from '../../runtimes/test/increment-process.ts';
import {
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../runtimes/test/increment-worker.ts';
import type { TestDatabase } from '../../runtimes/test/database.ts';
import { until } from '../../runtimes/test/until.ts';
import { startClients } from '../load/clients.ts';
import { uuids } from '../load/keys.ts';
import { Random } from '../load/random.ts';
import { portAllocator } from '../play/supervisor/free-port.ts';
import { startBalancer, type Balancer } from './nginx.ts';

const seed = 20_261_121;
const freePort = portAllocator();

interface RunningGateway extends AsyncDisposable {
  readonly port: number;
  readonly process: RoleProcess;
  /** Requests with a 200 that it counted itself. */
  answered(): Promise<number>;
}

async function gateway(pipeline: PreparedPipeline): Promise<RunningGateway> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const host = '127.0.0.1';
  const bind = { admin: { host, port: adminPort }, http: { host, port } };
  const process = await roleProcess(pipeline, 'gateway', { ...pipeline.config, bind });
  const admin = async (path: string): Promise<Response> =>
    fetch(`http://${host}:${String(adminPort)}${path}`);
  await until('the gateway is ready', async () =>
    admin('/readyz').then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    port,
    process,
    answered: async () => accepted(await (await admin('/metrics')).text()),
    [Symbol.asyncDispose]: async () => process[Symbol.asyncDispose](),
  };
}

function accepted(exposition: string): number {
  return Number(/^millrace_increment_accepted_total(?:\{[^}]*\})? (\d+)/m.exec(exposition)?.[1]);
}

interface Scene extends AsyncDisposable {
  readonly pipeline: PreparedPipeline;
  readonly gateways: readonly RunningGateway[];
  readonly balancer: Balancer;
}

async function scene(
  server: TestDatabase,
  overrides: Partial<IncrementPipelinePodConfig> = {},
): Promise<Scene> {
  const pipeline = await preparedPipeline(overrides, server);
  const gateways = await Promise.all([gateway(pipeline), gateway(pipeline)]);
  const balancer = await startBalancer(
    gateways.map(({ port }) => port),
    process.env,
  );
  return {
    pipeline,
    gateways,
    balancer,
    [Symbol.asyncDispose]: async () => {
      await balancer[Symbol.asyncDispose]();
      await Promise.all(gateways.map(async (one) => one[Symbol.asyncDispose]()));
      await pipeline[Symbol.asyncDispose]();
    },
  };
}

/** A worker beside the gateways adds up what they took. */
async function sumsOf({ pipeline }: Scene, total: bigint): Promise<ReadonlyMap<string, bigint>> {
  await using _ = await roleProcess(pipeline, 'worker', pipeline.config);
  let sums: ReadonlyMap<string, bigint> = new Map();
  await until('all that was accepted is in the table', async () => {
    sums = await pipeline.sums();
    return [...sums.values()].reduce((sum, value) => sum + value, 0n) >= total;
  });
  return sums;
}

const key = uuids(1, new Random(seed))[0] ?? '';
const increment = JSON.stringify({ key, value: 1 });

async function post(url: string, headers: Readonly<Record<string, string>> = {}) {
  return fetch(`${url}/increment`, { method: 'POST', body: increment, headers });
}

/** Takes a request, counts it, and breaks the connection instead of an answer. */
async function breaker(): Promise<{ server: Server; port: number; requests: () => number }> {
  let requests = 0;
  const server = createServer((request) => {
    requests += 1;
    request.socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, requests: () => requests };
}

describe.skipIf(lacks('postgres', 'redis'))('the balancer', () => {
  let server: TestDatabase;

  beforeAll(async () => {
    server = await migratedDatabase();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('spreads increments over two gateways to within a tenth', async () => {
    await using at = await scene(server);
    const clients = startClients({
      url: at.balancer.url,
      clients: 8,
      keys: uuids(50, new Random(seed)),
      itemsPerRequest: 1,
      valueMax: 9,
      random: new Random(seed),
      timeoutMs: 10_000,
      incrementsMax: 2_000,
    });
    await clients.ended;
    await clients.stop(0);

    const counts = await Promise.all(at.gateways.map(async (one) => one.answered()));

    expect(clients.tally.totals.requests).toEqual({ Accepted: 2_000, Unanswered: 0, Refused: 0 });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2_000);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.1);
  });

  it('loses and doubles nothing when a gateway is killed under load', async () => {
    await using at = await scene(server);
    const clients = startClients({
      url: at.balancer.url,
      clients: 8,
      keys: uuids(20, new Random(seed + 1)),
      itemsPerRequest: 1,
      valueMax: 9,
      random: new Random(seed + 1),
      timeoutMs: 10_000,
    });
    const answered = (): number => clients.tally.totals.requests.Accepted;
    await until('there is load', () => answered() > 300);

    at.gateways[0]?.process.signal('SIGKILL');
    const before = answered();
    await until('the other gateway has taken over', () => answered() > before + 500);
    await clients.stop(5_000);

    const tally = [...clients.tally.byKey()];
    const total = tally.reduce((sum, one) => sum + one.accepted, 0n);
    const sums = await sumsOf(at, total);
    for (const { key: name, accepted: least, unanswered } of tally) {
      expect(sums.get(name) ?? 0n).toBeGreaterThanOrEqual(least);
      expect(sums.get(name) ?? 0n).toBeLessThanOrEqual(least + unanswered);
    }
    // Those that the dead one had in its hands; whoever came later was served by the other.
    expect(clients.tally.totals.requests.Unanswered).toBeLessThanOrEqual(8);
  });

  it('sends a POST that a gateway may have read to nobody else, unless it has a key', async () => {
    await using at = await scene(server);
    const broken = await breaker();
    const good = at.gateways[0]?.port ?? 0;
    await using balancer = await startBalancer([broken.port, good], process.env);

    const plain = [await post(balancer.url), await post(balancer.url)].map(({ status }) => status);
    const before = await at.gateways[0]?.answered();
    await until('the broken one is asked again', async () => {
      const asked = broken.requests();
      const { status } = await post(balancer.url, { 'idempotency-key': `again-${String(asked)}` });
      expect(status).toBe(200);
      return broken.requests() > asked;
    });

    expect(new Set(plain)).toEqual(new Set([200, 502]));
    expect(before).toBe(1);
    broken.server.close();
  });

  it('lets the refusal of who asks too often through as it is', async () => {
    const rateLimit = { requests: 5, perMs: 60_000, by: 'Client' } as const;
    await using at = await scene(server, { rateLimit });

    const answers: Response[] = [];
    for (let asked = 0; asked < 12; asked += 1) answers.push(await post(at.balancer.url));

    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
    expect(refused).toHaveLength(7);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]?.text()).toContain('TooManyRequests');
  });
});
