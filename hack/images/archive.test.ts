import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { run } from '../backends/command.ts';
import { buildImage, imageConfig } from './build.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Node with its libraries is 132 MB of it. */
const bytesMax = 145e6;

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

async function built() {
  const out = await mkdtemp(join(tmpdir(), 'millrace-archive-'));
  const image = await buildImage({ image: 'runtimes', out, log: () => undefined });
  const { env } = process;
  const read = async (path: string): Promise<string> =>
    run('tar', ['-xOf', image.file, path], { env });
  return {
    image,
    index: async () =>
      JSON.parse(await read('index.json')) as { readonly manifests: readonly [Descriptor] },
    blob: async ({ digest }: Descriptor): Promise<unknown> =>
      JSON.parse(await read(`blobs/${digest.replace(':', '/')}`)),
    listing: async ({ digest }: Descriptor): Promise<readonly string[]> => {
      const blob = `blobs/${digest.replace(':', '/')}`;
      const list = `tar -xOf '${image.file}' '${blob}' | tar -tf -`;
      return (await run('sh', ['-c', list], { env })).split('\n');
    },
    [Symbol.asyncDispose]: async () => rm(out, { recursive: true }),
  };
}

// The base is Debian's, so its packages must be at hand; Linux on x64 or arm64.
describe.skipIf(process.platform !== 'linux')('the archive of an image', () => {
  let archive: Awaited<ReturnType<typeof built>>;
  beforeAll(async () => {
    archive = await built();
  });
  afterAll(async () => {
    await archive[Symbol.asyncDispose]();
  });

  it('is the same byte for byte when it is built again', async () => {
    await using again = await built();

    expect(again.image.digest).toBe(archive.image.digest);
    const bytes = await readFile(archive.image.file);
    expect(bytes.equals(await readFile(again.image.file))).toBe(true);
    expect(archive.image.bytes).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(bytesMax);
  });

  it('says in the words of OCI what it is called, how it starts and what it holds', async () => {
    const [entry] = (await archive.index()).manifests;
    const manifest = (await archive.blob(entry)) as {
      readonly config: Descriptor;
      readonly layers: readonly [Descriptor, Descriptor];
    };
    const config = (await archive.blob(manifest.config)) as {
      readonly config: { readonly Labels: Readonly<Record<string, string>> };
    };

    expect(entry.digest).toBe(archive.image.digest);
    expect(entry.annotations?.['io.containerd.image.name']).toBe(archive.image.reference);
    expect(archive.image.reference).toMatch(/^docker\.io\/millrace\/runtimes:\d+\.\d+\.\d+/);
    expect(config.config).toEqual(imageConfig('runtimes', config.config.Labels));
    expect(config.config.Labels['dev.millrace.debian-packages']).toMatch(/\blibc6_[\d.]+/);
    expect(await archive.listing(manifest.layers[0])).toContain('usr/local/bin/node');
    expect(await archive.listing(manifest.layers[1])).toEqual(
      expect.arrayContaining(['app/runtimes.mjs', 'app/migrations/csv-import/0001_ledger.sql']),
    );
  });
});
