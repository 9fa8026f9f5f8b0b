import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { run } from '../backends/command.ts';
import { tar, withFolders, type TarEntry } from './tar.ts';

function file(text: string, mode = 0o644): TarEntry {
  return { type: 'file', content: Buffer.from(text), mode };
}

async function archive(entries: ReadonlyMap<string, TarEntry>) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tar-'));
  const path = join(folder, 'x.tar');
  await writeFile(path, Buffer.concat(tar(withFolders(entries))));
  return {
    list: async () => {
      const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
      return (await run('tar', ['--numeric-owner', '-tvf', path], { env })).trim().split('\n');
    },
    extract: async (name: string) => {
      await run('tar', ['-xf', path, '-C', folder], { env: process.env });
      return readFile(join(folder, name), 'utf8');
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

describe('an archive of ours', () => {
  it('is what tar itself reads: files, folders, links, modes, root as owner, no date', async () => {
    const entries = new Map<string, TarEntry>([
      ['tmp', { type: 'folder', mode: 0o1777 }],
      ['lib/here', { type: 'link', target: 'there' }],
      ['bin/run', file('x'.repeat(513), 0o755)],
    ]);
    await using made = await archive(entries);

    const lines = (await made.list()).map((line) => line.replaceAll(/ +/g, ' '));

    expect(lines).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
      '-rwxr-xr-x 0/0 513 1970-01-01 00:00 bin/run',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 lib/',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 lib/here -> there',
      'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
    ]);
  });

  it('keeps paths of up to 255 bytes and refuses longer ones instead of cutting them', async () => {
    const long = `${'f'.repeat(80)}/${'g'.repeat(60)}/${'h'.repeat(90)}`;
    await using made = await archive(new Map([[long, file('content')]]));

    expect(await made.extract(long)).toBe('content');
    expect(() => tar(new Map([['n'.repeat(101), file('')]]))).toThrow('too long');
  });

  it('does not depend on the order in which its entries were named', () => {
    const entries: [string, TarEntry][] = [
      ['a', file('1')],
      ['b', file('2')],
    ];

    const forward = Buffer.concat(tar(new Map(entries)));
    const backward = Buffer.concat(tar(new Map(entries.toReversed())));

    expect(forward.equals(backward)).toBe(true);
  });
});
