import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildImage, entrypoint } from './build.ts';
import { canUnpack, unpackedImage, type UnpackedImage } from './test/unpacked-image.ts';

/** Node with its libraries is 131 MB of both. */
const bytesMax = { operator: 160e6, runtimes: 145e6 };

/** A bundle that cannot be loaded is shown whole by Node, in one line. */
const shownMax = 2_000;

async function bundles(image: UnpackedImage): Promise<readonly string[]> {
  const names = await readdir(join(image.folder, 'app'));
  return names.filter((name) => name.endsWith('.mjs'));
}

/** A program that loads each of them, and does nothing more. */
function loading(names: readonly string[]): string {
  return names.map((name) => `await import('/app/${name}');`).join('\n');
}

/** Everything below a folder of the image that is not a folder itself. */
async function contents(image: UnpackedImage, folder: string): Promise<readonly string[]> {
  const found = await readdir(join(image.folder, folder), { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => !entry.isDirectory());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(image.folder.length));
}

describe.skipIf(!canUnpack)('the image of the runtimes', () => {
  let image: UnpackedImage;
  beforeAll(async () => {
    image = await unpackedImage('runtimes');
  });
  afterAll(async () => {
    await image[Symbol.asyncDispose]();
  });

  it('refuses an unknown runtime and a missing configuration with 64, as user 65532', async () => {
    const unknown = await image.run([...entrypoint('runtimes'), 'no-such', 'role']);
    const missing = await image.run([...entrypoint('runtimes'), 'csv-import', 'worker']);

    expect(unknown).toMatchObject({ code: 64 });
    expect(unknown.output).toContain('Runtimes: csv-import, increment-pipeline');
    expect(missing).toMatchObject({ code: 64 });
    expect(missing.output).toContain('/etc/millrace/config.json cannot be read');
  });

  it('loads every part of every role, with the drivers in it', async () => {
    const parts = (await bundles(image)).filter((name) => name !== 'runtimes.mjs');

    const ended = await image.run(['/usr/local/bin/node', '-e', loading(parts)]);

    expect(ended).toEqual({ code: 0, output: '' });
    const notices = await readFile(join(image.folder, 'licenses/third-party.txt'), 'utf8');
    for (const driver of ['amqplib', 'ioredis', 'node-pg-migrate', 'pg', 'pg-copy-streams']) {
      expect(notices).toMatch(new RegExp(`^${driver} [0-9.]+ \\(\\S+\\)$`, 'm'));
    }
  });

  it('has Node, its libraries, the programs, the migrations and notices, and nothing else', async () => {
    expect(await contents(image, 'app/migrations')).toContain(
      '/app/migrations/csv-import/0001_ledger.sql',
    );
    expect(await readFile(join(image.folder, 'etc/passwd'), 'utf8')).toContain('millrace:x:65532:');
    expect(await readdir(join(image.folder, 'usr/local/bin'))).toEqual(['node']);
    expect((await readdir(image.folder)).toSorted()).toEqual(
      ['app', 'etc', 'lib', 'lib64', 'licenses', 'tmp', 'usr'].filter(
        (name) => process.arch === 'x64' || name !== 'lib64',
      ),
    );
    expect((await stat(join(image.folder, 'tmp'))).mode & 0o7777).toBe(0o1777);
    expect(image.built.bytes).toBeLessThan(bytesMax.runtimes);
  });
});

describe.skipIf(!canUnpack)('the image of the operator', () => {
  let image: UnpackedImage;
  beforeAll(async () => {
    image = await unpackedImage('operator');
  });
  afterAll(async () => {
    await image[Symbol.asyncDispose]();
  });

  it('is the same byte for byte when it is built again', async () => {
    const out = join(image.folder, 'tmp');
    const again = await buildImage({ image: 'operator', out, log: () => undefined });

    expect(again.digest).toBe(image.built.digest);
    const [one, other] = [await readFile(image.built.file), await readFile(again.file)];
    expect(one.equals(other)).toBe(true);
    await rm(again.file);
    expect(image.built.reference).toMatch(/^docker\.io\/millrace\/operator:\d+\.\d+\.\d+/);
    expect(image.built.bytes).toBeLessThan(bytesMax.operator);
  });

  it('holds each program, and each says how it is used', async () => {
    for (const name of ['operator', 'kubectl-millrace', 'metrics-api']) {
      const ended = await image.run(['/usr/local/bin/node', `/app/${name}.mjs`, '--help']);
      expect(ended, name).toMatchObject({ code: 0 });
      expect(ended.output, name).toContain('Usage: ');
    }
    expect(await bundles(image)).toEqual(
      expect.arrayContaining(['renewal-worker.mjs', 'uninstall.mjs', 'chart-test.mjs']),
    );
    const refused = await image.run([...entrypoint('operator'), '--no-such-flag']);
    expect(refused).toMatchObject({ code: 64 });
  });

  it('loads every part that its programs share or load later', async () => {
    const programs =
      /^(operator|renewal-worker|kubectl-millrace|metrics-api|uninstall|chart-test)\./;
    const parts = (await bundles(image)).filter((name) => !programs.test(name));
    // Works only after what the metrics API sets up for it.
    const others = parts.filter((name) => !/^x509\b/.test(name));

    const ended = await image.run(['/usr/local/bin/node', '-e', loading(others)]);

    expect({ ...ended, output: ended.output.slice(0, shownMax) }).toEqual({ code: 0, output: '' });
    expect(parts.length - others.length).toBe(1);
  });

  it('names the lines of the sources in a stack, and no path of the host', async () => {
    const { code, output } = await image.run([
      '/usr/local/bin/node',
      '--enable-source-maps',
      '/app/renewal-worker.mjs',
    ]);

    expect(code).toBe(1);
    expect(output).toMatch(/\/operator\/src\/machinery\/leader-election\/renewal-worker\.ts:\d+/);
    expect(output).not.toContain(process.cwd());
  });
});
