import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generationKey } from '@millrace/runtimes/csv-import/cache';
import { lacks } from '../../runtimes/test/backends.ts';
import { loadedImport } from '../../runtimes/test/loaded-import.ts';
import { privateRedis } from '../../runtimes/test/redis-server.ts';
import { fixedKeys, sealingKeys } from '../../runtimes/test/sealing-keys.ts';
import { millrace } from './test/millrace-process.ts';

const manifest = `
apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: things, namespace: test}
spec:
  source: {volume: {claimName: nowhere, path: data.csv}}
  format: {header: Present}
  columns:
    - {name: id, type: bigint}
    - {name: value, type: text, sealed: true}
  target: {table: things, key: [id]}
  cache: {mode: Invalidate}
`;

describe.skipIf(lacks('postgres', 'redis'))('a reseal on the command line', () => {
  it('makes cached rows stale, since they hold values under the old key', async () => {
    const columns = [
      { name: 'id', type: 'bigint' as const },
      { name: 'value', type: 'text' as const, sealed: true },
    ];
    await using it = await loadedImport('id,value\n1,one\n', { columns }, fixedKeys('old'));
    await using redis = await privateRedis();
    await using folder = await manifestFolder();
    await redis.command('SET', generationKey('things'), 'before');
    const { POSTGRES_URL = '', POSTGRES_OWNER_URL = '' } = it.env;
    const place = ['--postgres-url', POSTGRES_URL, '--owner-url', POSTGRES_OWNER_URL];
    const name = ['csvimport/things', '-n', 'test', '--manifest', 'things.yaml', '--json'];

    const done = await millrace(['reseal', ...name, ...place, '--redis-url', redis.url], {
      cwd: folder.path,
      env: { MILLRACE_SEALING_KEYS: sealingKeys('new', 'old') },
    });

    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toMatchObject({ active: 'new', rows: 1, stillInUse: [] });
    expect(await redis.command('GET', generationKey('things'))).not.toBe('before');
  }, 60_000);
});

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function manifestFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-reseal-'));
  await writeFile(join(path, 'things.yaml'), manifest);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
