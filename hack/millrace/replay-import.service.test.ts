import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('are printed, repaired in a file and replayed, and a replay never shows them', async () => {
    const printed = await run(['rejects', 'csvimport/things']);
    expect(printed).toMatchObject({ code: 0, stderr: '2 rejected records\n' });
    const repaired = printed.stdout.replace('x,secret', '2,secret');
    await writeFile(join(folder, 'repaired.csv'), repaired);

    const replayed = await run(['replay', 'csvimport/things', 'repaired.csv']);

    expect(replayed.stdout).toMatch(/^line 3 +Loaded \(was NotAnInteger\)\nline 4 +Untouched/);
    expect(replayed.stdout).toContain('1 of 2 records were loaded into things; 1 stay');
    expect(replayed.stdout + replayed.stderr).not.toContain('secret');
    expect(replayed.code).toBe(1);
  }, 60_000);

  it('are not replayed behind the back of a cache', async () => {
    await writeFile(join(folder, 'nothing.csv'), '_millrace_offset,id\n');

    const cached = await run(['replay', 'csvimport/things', 'nothing.csv'], 'cached.yaml');

    expect(cached).toMatchObject({ code: 64, stderr: expect.stringContaining('--redis-url') });
  });
});
