import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { entrypoint } from './build.ts';
import { canUnpack, unpackedImage, type UnpackedImage } from './test/unpacked-image.ts';

/** A bundle takes two seconds to make, and many times that on a host with other work. */
vi.setConfig({ testTimeout: 120_000 });

/** A bundle that cannot be loaded is shown whole by Node, in one line. */
const shownMax = 2_000;

/** A token of OpenID Connect that is good for a long time, for a server where nothing listens. */
const token = [{ alg: 'none' }, { exp: 4_070_908_800 }, {}]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');
const provider = { name: 'oidc', config: { 'id-token': token, 'client-id': 'millrace' } };
const providerKubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
  users: [{ name: 'u', user: { 'auth-provider': provider } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
};

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
    expect((await readdir(join(image.folder, 'app/page'))).toSorted()).toEqual([
      'page.css',
      'page.html',
      'page.js',
    ]);
    expect(await readFile(join(image.folder, 'etc/passwd'), 'utf8')).toContain('millrace:x:65532:');
    expect(await readdir(join(image.folder, 'usr/local/bin'))).toEqual(['node']);
    expect((await readdir(image.folder)).toSorted()).toEqual(
      ['app', 'etc', 'lib', 'lib64', 'licenses', 'tmp', 'usr'].filter(
        (name) => process.arch === 'x64' || name !== 'lib64',
      ),
    );
    expect((await stat(join(image.folder, 'tmp'))).mode & 0o7777).toBe(0o1777);
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

  it('reads credentials of providers that only the Kubernetes client knows', async () => {
    await image.put('tmp/kubeconfig', JSON.stringify(providerKubeconfig));
    const program = ['/usr/local/bin/node', '/app/kubectl-millrace.mjs', 'status', 'csvimport/x'];

    const { output } = await image.run([...program, '--kubeconfig', '/tmp/kubeconfig']);

    // Nothing listens there; without the client it would not come so far.
    expect(output).toContain('ECONNREFUSED');
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
