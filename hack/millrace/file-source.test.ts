import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fileSource } from './file-source.ts';

describe('a file of this host', () => {
  it('is read at any place, unpacked if it is packed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-file-'));
    const text = 'id,name\n1,a\n2,b\n';
    await writeFile(join(folder, 'plain.csv'), text);
    await writeFile(
      join(folder, 'packed'),
      Buffer.concat([gzipSync('id,'), gzipSync(text.slice(3))]),
    );

    for (const name of ['plain.csv', 'packed']) {
      await using file = await fileSource(join(folder, name));
      expect(file.size, name).toBe(text.length);
      expect((await file.read(8, 3)).toString(), name).toBe('1,a');
      expect((await file.read(0, 2)).toString(), name).toBe('id');
    }
    await rm(folder, { recursive: true });
  });
});
