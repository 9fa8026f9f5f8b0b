/** Credentials that change under a running process: tokens, certificates, plugins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { configMaps, name } from '../../test/contract/target.ts';
import type { Connection, Credentials } from './connection.ts';
import { createHttpApi } from './http-api.ts';
import { Identity } from './identity.ts';
import { fakeServer, inTurn, json, status, type Answer } from './test/fake-server.ts';

const ref = { namespace: 'team', name };
const stored = json({ kind: 'ConfigMap', metadata: ref });
const refused = status(401, 'Unauthorized');

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'millrace-identity-'));
  return {
    file: (own: string) => join(path, own),
    write: async (own: string, text: string) => await writeFile(join(path, own), text),
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true }),
  };
}

/** A server, an API on it, and the tokens that it was shown. */
async function given(credentials: Credentials, answer: Answer) {
  const server = await fakeServer(answer);
  const clock = new ManualClock();
  const api = createHttpApi({ connection: { ...server.connection, credentials }, clock });
  return {
    api,
    clock,
    shown: () => server.requests.map(({ headers }) => headers.authorization),
    async [Symbol.asyncDispose]() {
      await api.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a token in a file', () => {
  test('is read again after a minute, and not before', async () => {
    await using files = await folder();
    await files.write('token', 'one\n');
    const credentials = { type: 'token', token: { file: files.file('token') } } as const;
    await using opened = await given(credentials, stored);

    await opened.api.get(configMaps, ref);
    await files.write('token', 'two\n');
    await opened.clock.advance(59_000);
    await opened.api.get(configMaps, ref);
    await opened.clock.advance(1_000);
    await opened.api.get(configMaps, ref);

    expect(opened.shown()).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
  });

  test('is read again at once when it is refused', async () => {
    await using files = await folder();
    await files.write('token', 'one');
    const credentials = { type: 'token', token: { file: files.file('token') } } as const;
    const answer = inTurn(stored, refused, stored);
    await using opened = await given(credentials, answer);
    await opened.api.get(configMaps, ref);
    await files.write('token', 'two');

    await opened.api.patch(configMaps, ref, { data: {} });

    expect(opened.shown()).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
  });

  test('that is refused again is a failure, after one more try', async () => {
    await using opened = await given({ type: 'token', token: { text: 'one' } }, refused);

    const get = opened.api.get(configMaps, ref);

    await expect(get).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(opened.shown()).toHaveLength(2);
  });

  test('that cannot be read any more leaves the last one in use', async () => {
    await using files = await folder();
    await files.write('token', 'one');
    const credentials = { type: 'token', token: { file: files.file('token') } } as const;
    await using opened = await given(credentials, stored);
    await opened.api.get(configMaps, ref);
    await rm(files.file('token'));
    await opened.clock.advance(61_000);

    await opened.api.get(configMaps, ref);

    expect(opened.shown()).toEqual(['Bearer one', 'Bearer one']);
  });

  test('that was never there is a failure without a request', async () => {
    const credentials = { type: 'token', token: { file: '/nowhere/token' } } as const;
    await using opened = await given(credentials, stored);

    const get = opened.api.get(configMaps, ref);

    await expect(get).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(opened.shown()).toEqual([]);
  });
});

describe('a plugin', () => {
  /** Counts its runs in a file, and prints the count as its token. */
  const script = (file: string) => `
    const { appendFileSync, readFileSync } = require('node:fs');
    appendFileSync(${JSON.stringify(file)}, 'x');
    const runs = readFileSync(${JSON.stringify(file)}, 'utf8').length;
    const expirationTimestamp = '2030-01-01T00:' + runs * 10 + ':00Z';
    const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
    if (spec.interactive) throw new Error('nobody is here');
    const token = runs + process.env.WHO;
    console.log(JSON.stringify({ status: { token, expirationTimestamp } }));`;

  const plugin = (code: string) => ({
    type: 'exec' as const,
    plugin: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', code],
      env: { WHO: 'me' },
    },
  });

  test('runs once for as long as its credential lasts, and again when that is refused', async () => {
    await using files = await folder();
    const code = script(files.file('runs'));
    await using opened = await given(plugin(code), inTurn(stored, stored, stored, refused, stored));

    await opened.api.get(configMaps, ref);
    await opened.clock.advance(5 * 60_000);
    await opened.api.get(configMaps, ref);
    await opened.clock.advance(5 * 60_000);
    await opened.api.get(configMaps, ref);
    await opened.api.get(configMaps, ref);

    const tokens = ['1me', '1me', '2me', '2me', '3me'].map((token) => `Bearer ${token}`);
    expect(opened.shown()).toEqual(tokens);
  });

  test.each([
    ['fails', 'process.exit(1)', 'failed'],
    ['prints no credential', 'console.log("a secret")', 'printed no credential'],
  ])('that %s is a failure that repeats nothing of it', async (_what, code, message) => {
    await using opened = await given(plugin(code), stored);

    const get = opened.api.get(configMaps, ref).catch((error: unknown) => error);

    const failure = (await get) as Error & { cause: Error };
    expect(failure).toMatchObject({ reason: 'Unauthorized' });
    expect(failure.cause.message).toContain(message);
    expect(failure.cause.message).not.toContain('secret');
  });
});

describe('the certificates', () => {
  test('are the same settings while their files are, and others after a change', async () => {
    await using files = await folder();
    await files.write('ca.crt', 'one');
    const clock = new ManualClock();
    const tls = { ca: { file: files.file('ca.crt') }, key: { text: 'k' }, serverName: 'api' };
    const connection: Connection = {
      server: 'https://api.example',
      namespace: 'default',
      tls,
      credentials: { type: 'none' },
    };
    const identity = new Identity(connection, clock);

    const first = await identity.current();
    await clock.advance(61_000);
    const second = await identity.current();
    await files.write('ca.crt', 'two');
    identity.suspect();
    const third = await identity.current();

    expect(first.tls).toEqual({ ca: 'one', key: 'k', servername: 'api' });
    expect(second.tls).toBe(first.tls);
    expect(third.tls).toEqual({ ca: 'two', key: 'k', servername: 'api' });
  });
});
