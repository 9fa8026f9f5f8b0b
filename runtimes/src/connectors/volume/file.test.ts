import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkFile, identifyFile, readBlocks, readRange, type VolumePath } from './file.ts';
import { translate } from './failures.ts';

interface Volume extends AsyncDisposable, VolumePath {
  readonly full: string;
}

async function volume(content: string): Promise<Volume> {
  const mountPath = await mkdtemp(join(tmpdir(), 'millrace-volume-'));
  await writeFile(join(mountPath, 'data.csv'), content);
  return {
    mountPath,
    path: 'data.csv',
    full: join(mountPath, 'data.csv'),
    [Symbol.asyncDispose]: () => rm(mountPath, { recursive: true, force: true }),
  };
}

describe('a file on a volume', () => {
  it('is read in ranges and in blocks', async () => {
    await using at = await volume('0123456789');
    const pinned = await identifyFile(at);

    const range = await readRange(at, pinned, { offset: 3, length: 4 });
    const blocks: string[] = [];
    for await (const block of readBlocks(at, pinned, { from: 1, blockBytes: 4 })) {
      blocks.push(block.toString());
    }

    expect(range.toString()).toBe('3456');
    expect(blocks).toEqual(['1234', '5678', '9']);
  });

  it('has the same identity until its content or time changes', async () => {
    await using at = await volume('a'.repeat(200_000));
    const first = await identifyFile(at);

    const again = await identifyFile(at);
    await writeFile(at.full, `b${'a'.repeat(199_999)}`);
    await utimes(at.full, 1, 1);
    const head = await identifyFile(at);
    await writeFile(at.full, `b${'a'.repeat(199_998)}b`);
    await utimes(at.full, 1, 1);
    const tail = await identifyFile(at);

    expect(again).toEqual(first);
    expect(head.digest).not.toBe(first.digest);
    expect(tail.digest).not.toBe(head.digest);
  });

  it('gives no byte of another version', async () => {
    await using at = await volume('0123456789');
    const pinned = await identifyFile(at);

    await appendFile(at.full, 'more');

    const changed = { family: 'Permanent', code: 'SourceChanged' };
    await expect(readRange(at, pinned, { offset: 0, length: 4 })).rejects.toMatchObject(changed);
    await expect(checkFile(at, pinned)).rejects.toMatchObject(changed);
  });

  it('that was cut short is a changed one, not an endless read', async () => {
    await using at = await volume('0123456789');
    const pinned = await identifyFile(at);

    await writeFile(at.full, '01');

    await expect(readRange(at, pinned, { offset: 0, length: 10 })).rejects.toMatchObject({
      code: 'SourceChanged',
    });
  });

  it('is refused with its path when it is missing, a folder, or outside the volume', async () => {
    await using at = await volume('x');
    await mkdir(join(at.mountPath, 'folder'));
    await symlink('/etc/hostname', join(at.mountPath, 'link'));
    const codeOf = (path: string): Promise<unknown> =>
      identifyFile({ ...at, path }).catch(
        ({ code, message }: { code: string; message: string }) => [code, message.includes(path)],
      );

    expect(await codeOf('none.csv')).toEqual(['SourceMissing', true]);
    expect(await codeOf('folder')).toEqual(['SourceNotAFile', true]);
    expect(await codeOf('../../etc/hostname')).toEqual(['SourceMissing', true]);
    expect(await codeOf('link')).toEqual(['SourceMissing', true]);
    expect(await codeOf('data.csv/under')).toEqual(['SourceMissing', true]);
  });

  it('is refused at once when it is a pipe, a socket, or a loop of links', async () => {
    await using at = await volume('x');
    const place = (name: string): string => join(at.mountPath, name);
    await promisify(execFile)('mkfifo', [place('pipe')]);
    await symlink(place('loop'), place('loop'));
    const listening = createServer().listen(place('socket'));
    await once(listening, 'listening');
    const codeOf = async (path: string): Promise<unknown> =>
      await identifyFile({ ...at, path }).catch(({ code }: { code: string }) => code);

    expect(await codeOf('pipe')).toBe('SourceNotAFile');
    expect(await codeOf('socket')).toBe('SourceNotAFile');
    expect(await codeOf('loop')).toBe('SourceUnreadable');
    listening.close();
  });

  it('is refused when this user may not read it, and waited for when the volume is in trouble', () => {
    const thrown = (code: string): Error => Object.assign(new Error(code), { code });

    expect(translate(thrown('EACCES'), 'data.csv')).toMatchObject({
      family: 'Permanent',
      code: 'SourceUnreadable',
    });
    expect(translate(thrown('EIO'), 'data.csv')).toMatchObject({
      family: 'Transient',
      code: 'SourceUnreachable',
    });
    expect(translate(thrown('EWHAT'), 'data.csv').family).toBe('Fault');
  });
});
