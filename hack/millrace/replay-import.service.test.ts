import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../runtimes/test/backends.ts';
import { loadedImport } from '../../runtimes/test/loaded-import.ts';
import type { PreparedImport } from '../../runtimes/test/prepared-import.ts';
import { millrace, type Ended } from './test/millrace-process.ts';

const manifest = (mode: string): string => `
apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: things, namespace: test}
spec:
  source: {volume: {claimName: nowhere, path: data.csv}}
  columns:
    - {name: id, type: bigint}
    - {name: value, type: text}
  target: {table: things, key: [id]}
  cache: {mode: "${mode}"}
`;

const main = fileURLToPath(new URL('../../runtimes/src/main.ts', import.meta.url));

interface Reporter extends AsyncDisposable {
  /** What it answers at /progress; undefined while it does not. */
  totals(): Promise<object | undefined>;
}

async function gatewayOf({ env }: PreparedImport): Promise<Reporter> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const child = spawn(process.execPath, [main, 'csv-import', 'gateway'], {
    env: { ...env, MILLRACE_BIND_ADMIN_PORT: String(port) },
    stdio: 'ignore',
  });
  return {
    totals: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/progress`).catch(() => undefined);
      if (answer?.ok !== true) return undefined;
      return ((await answer.json()) as { readonly totals: object }).totals;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

describe.skipIf(lacks('postgres'))('rejects of an import on the command line', () => {
  let loaded: PreparedImport;
  let folder = '';
  beforeAll(async () => {
    loaded = await loadedImport('id,value\n1,one\nx,secret\n3\n');
    folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
    await writeFile(join(folder, 'things.yaml'), manifest('Off'));
    await writeFile(join(folder, 'cached.yaml'), manifest('Invalidate'));
  });
  afterAll(async () => {
    await loaded[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function run(args: readonly string[], file = 'things.yaml'): Promise<Ended> {
    const { POSTGRES_URL = '', POSTGRES_OWNER_URL = '' } = loaded.env;
    const place = ['--postgres-url', POSTGRES_URL, '--owner-url', POSTGRES_OWNER_URL];
    return millrace([...args, '-n', 'test', '--manifest', file, ...place], { cwd: folder });
  }

  it('are printed, repaired in a file and replayed unseen, and gateways report the new totals', async () => {
    await using gateway = await gatewayOf(loaded);
    const printed = await run(['rejects', 'csvimport/things']);
    expect(printed).toMatchObject({ code: 0, stderr: '2 rejected records\n' });
    const repaired = printed.stdout.replace('x,secret', '2,secret');
    await writeFile(join(folder, 'repaired.csv'), repaired);

    const replayed = await run(['replay', 'csvimport/things', 'repaired.csv']);

    expect(replayed.stdout).toMatch(/^line 3 +Loaded \(was NotAnInteger\)\nline 4 +Untouched/);
    expect(replayed.stdout).toContain('1 of 2 records were loaded into things; 1 stay');
    expect(replayed.stdout + replayed.stderr).not.toContain('secret');
    expect(replayed.code).toBe(1);
    const totals = { read: 3, loaded: 2, superseded: 0, rejected: 1 };
    await expect.poll(() => gateway.totals(), { timeout: 20_000 }).toMatchObject(totals);
  }, 60_000);

  it('are not replayed behind the back of a cache', async () => {
    await writeFile(join(folder, 'nothing.csv'), '_millrace_offset,id\n');

    const cached = await run(['replay', 'csvimport/things', 'nothing.csv'], 'cached.yaml');

    expect(cached).toMatchObject({ code: 64, stderr: expect.stringContaining('--redis-url') });
  });
});
