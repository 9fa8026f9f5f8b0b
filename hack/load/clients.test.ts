import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startClients, type ClientsOptions } from './clients.ts';
import { fateOf } from './exchange.ts';
import { uuids } from './keys.ts';
import { Random } from './random.ts';
import { sumOfTotals } from './tally.ts';

interface Item {
  readonly key: string;
  readonly value: number;
}
interface Received {
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  readonly text: string;
}
type Answer = '200' | 'cut' | 'unknown' | 'refused' | 'silent' | 'mismatch';

const disposals: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose();
});

/** A gateway that answers as it is told, and remembers what came. */
async function gateway(answer: (received: Received, index: number) => Answer) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const header = request.headers['idempotency-key'];
      const one = { path: request.url ?? '', idempotencyKey: header?.toString(), text };
      received.push(one);
      reply(response, answer(one, received.length - 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposals.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { received, url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function reply(response: ServerResponse, answer: Answer): void {
  const fail = (status: number, code: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: 'error', error: { code, message: '' } }));
  };
  if (answer === '200') response.end();
  if (answer === 'cut') response.socket?.destroy();
  if (answer === 'unknown') fail(503, 'FateUnknown');
  if (answer === 'refused') fail(503, 'NotConnected');
  if (answer === 'mismatch') fail(409, 'RequestMismatch');
}

const keys = uuids(5, new Random(1));

function options(url: string, changes: Partial<ClientsOptions> = {}): ClientsOptions {
  return {
    url,
    clients: 1,
    keys,
    itemsPerRequest: 3,
    valueMax: 9,
    random: new Random(2),
    timeoutMs: 5_000,
    incrementsMax: 30,
    ...changes,
  };
}

function itemsOf({ text }: Received): readonly Item[] {
  const parsed = JSON.parse(text) as Item | readonly Item[];
  return Array.isArray(parsed) ? (parsed as readonly Item[]) : [parsed as Item];
}

function sumOf(received: readonly Received[], key: string): bigint {
  const mine = received.flatMap(itemsOf).filter((item) => item.key === key);
  return mine.reduce((sum, { value }) => sum + BigInt(value), 0n);
}

test('keys are different UUIDs, the same for a seed', () => {
  const many = uuids(1_000, new Random(7));

  expect(new Set(many).size).toBe(1_000);
  expect(many.every((key) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(key))).toBe(true);
  expect(uuids(1_000, new Random(7))).toEqual(many);
});

test('a plain client sends nothing twice and keeps account of every fate by key', async () => {
  const script: readonly Answer[] = ['200', 'cut', 'unknown', 'refused', '200'];
  const { received, url } = await gateway((_, index) => script[index] ?? '200');

  await using clients = startClients(options(url));
  await clients.ended;

  const of = (...fates: readonly Answer[]) =>
    received.filter((_, index) => fates.includes(script[index] ?? '200'));
  expect(received).toHaveLength(10);
  expect(received.every(({ path }) => path === '/increments')).toBe(true);
  for (const { key, accepted, unanswered } of clients.tally.byKey()) {
    expect(accepted).toBe(sumOf(of('200'), key));
    expect(unanswered).toBe(sumOf(of('cut', 'unknown'), key));
  }
  expect(clients.tally.totals.increments).toEqual({ Accepted: 21, Unanswered: 6, Refused: 3 });
  expect(clients.reasons.get('503 FateUnknown')).toBe(1);
});

test('a retrying client sends the same bytes with the same key until they are accepted', async () => {
  const script: readonly Answer[] = ['200', 'cut', 'unknown', 'refused', '200', '200'];
  const { received, url } = await gateway((_, index) => script[index] ?? '200');

  await using clients = startClients(options(url, { retryingAs: 'a', incrementsMax: 9 }));
  await clients.ended;

  const second = received.slice(1, 5);
  expect(received).toHaveLength(6);
  expect(new Set(second.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set(['a-2']));
  expect(new Set(second.map(({ text }) => text)).size).toBe(1);
  expect(clients.tally.totals.requests).toEqual({ Accepted: 3, Unanswered: 0, Refused: 0 });
});

test('a repetition that is called another request ends, and is nobody’s success', async () => {
  const { url } = await gateway((_, index) => (index === 0 ? 'cut' : 'mismatch'));

  await using clients = startClients(options(url, { retryingAs: 'a', incrementsMax: 3 }));
  await clients.ended;

  expect(clients.tally.totals.requests).toEqual({ Accepted: 0, Unanswered: 1, Refused: 0 });
});

test('an answer that does not come in time leaves the fate unknown', async () => {
  const { url } = await gateway(() => 'silent');

  await using clients = startClients(options(url, { timeoutMs: 50, incrementsMax: 3 }));
  await clients.ended;

  expect(clients.tally.totals.increments).toEqual({ Accepted: 0, Unanswered: 3, Refused: 0 });
  expect([...clients.reasons.keys()]).toEqual(['TimedOut']);
});

test('one increment a request goes to the endpoint for one; nobody there is a refusal', async () => {
  const { received, url } = await gateway(() => '200');

  await using clients = startClients(options(url, { itemsPerRequest: 1, incrementsMax: 2 }));
  await clients.ended;
  await using lost = startClients(
    options('http://127.0.0.1:1', { itemsPerRequest: 1, incrementsMax: 1 }),
  );
  await lost.ended;

  expect(received.map(({ path }) => path)).toEqual(['/increment', '/increment']);
  expect(sumOfTotals([clients.tally.totals, lost.tally.totals]).requests).toEqual({
    Accepted: 2,
    Unanswered: 0,
    Refused: 1,
  });
});

test('a stopped load waits for the answers of what it has begun', async () => {
  const { received, url } = await gateway((_, index) => (index < 3 ? 'refused' : '200'));
  const endless = { incrementsMax: 1_000_000, clients: 1, retryingAs: 'a' };

  await using clients = startClients(options(url, endless));
  await expect.poll(() => received.length).toBeGreaterThan(0);
  await clients.stop(5_000);

  const { requests } = clients.tally.totals;
  expect(requests.Accepted).toBe(new Set(received.map((one) => one.idempotencyKey)).size);
  expect(requests.Refused + requests.Unanswered).toBe(0);
  expect(clients.underWay).toBe(0);
});

test.each([
  [200, '', 'Accepted'],
  [400, '{"error":{"code":"BadRequest"}}', 'Refused'],
  [500, '{"error":{"code":"Internal"}}', 'Unanswered'],
  [502, '', 'Unanswered'],
  [503, 'from somebody between', 'Unanswered'],
  [503, '{"error":{"code":"StreamsFull"}}', 'Refused'],
  [503, '{"error":{"code":"FateUnknown"}}', 'Unanswered'],
] as const)('status %i with body %j means %s', (status, body, fate) => {
  expect(fateOf(status, body).fate).toBe(fate);
});
