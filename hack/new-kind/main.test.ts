/** Writes a kind into a copy of the checkout, checks its types and runs its tests there. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { partPaths } from './parts.ts';
import { registries } from './registries.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const main = join(import.meta.dirname, 'main.ts');
const copied = ['crds', 'operator', 'runtimes', 'migrations', 'hack'];
const files = ['README.md', 'package.json', 'tsconfig.json', '.oxlintrc.json', '.oxfmtrc.json'];
const left = /node_modules|\.millrace|coverage/;

class Checkout implements AsyncDisposable {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async copy(): Promise<Checkout> {
    const folder = await mkdtemp(join(tmpdir(), 'new-kind-'));
    for (const name of [...copied, ...files]) {
      const filter = (path: string) => !left.test(path.slice(root.length));
      await cp(join(root, name), join(folder, name), { recursive: true, filter });
    }
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, '@millrace'), { recursive: true });
    for (const name of await readdir(join(root, 'node_modules'))) {
      if (name !== '@millrace')
        await symlink(join(root, 'node_modules', name), join(modules, name));
    }
    for (const [name, path] of [
      ['crds', 'crds'],
      ['operator', 'operator'],
      ['runtimes', 'runtimes'],
      ['kit', 'runtimes/kit'],
    ] as const) {
      await symlink(join(folder, path), join(modules, '@millrace', name));
    }
    return new Checkout(folder);
  }

  async read(path: string): Promise<string> {
    return await readFile(join(this.folder, path), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(program: string, args: readonly string[], cwd = root): Promise<Ended> {
  // A test run inside a test run must not take itself for a part of this one.
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_)/.test(name));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' };
  return await run(program, args, { cwd, env, maxBuffer: 16 * 1_024 * 1_024 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (failure: Ended) => failure,
  );
}

const newKind = (...args: readonly string[]) => ended(process.execPath, [main, ...args]);

test('a new kind compiles, is in every registry, and its failing tests say what to write', async () => {
  await using checkout = await Checkout.copy();
  const { folder } = checkout;

  const made = await newKind('PriceFeed', '--into', folder);
  expect(made.stderr).toBe('');
  expect(await checkout.read('crds/price-feed.yaml')).toContain('kind: PriceFeed');
  expect(await checkout.read('README.md')).toContain('| `PriceFeed` ');
  expect(await checkout.read('runtimes/src/registry.ts')).toContain("'price-feed': priceFeed,");
  for (const { path } of registries.filter((registry) => registry.path.endsWith('.ts'))) {
    expect(await checkout.read(path), path).toMatch(/, priceFeed|: priceFeed/);
  }

  const bin = (name: string) => join(folder, 'node_modules', '.bin', name);
  const parts = (await partPaths('price-feed')).filter((path) => path.endsWith('.ts'));
  const lists = registries.map(({ path }) => path).filter((path) => path.endsWith('.ts'));
  // Only what the kind is made of and reaches: the rest is the same as here.
  const project = { extends: './tsconfig.json', include: [], files: [...parts, ...lists] };
  await writeFile(join(folder, 'tsconfig.kind.json'), JSON.stringify(project));
  const types = await ended(bin('tsc'), ['--noEmit', '-p', 'tsconfig.kind.json'], folder);
  expect(types, types.stdout).toMatchObject({ code: 0 });
  const lint = await ended(bin('oxlint'), [...parts], folder);
  expect(lint, lint.stdout).toMatchObject({ code: 0 });

  const config = [
    '--config',
    'hack/test/vitest.config.ts',
    '--reporter=json',
    '--outputFile=report.json',
  ];
  await ended(bin('vitest'), ['run', ...config, 'price-feed'], folder);
  const failures = messagesOf(await checkout.read('report.json'));
  expect(
    failures.map((message) => /Write [\w./-]+/.exec(message)?.[0] ?? message).toSorted(),
  ).toEqual([
    'Write crds/src/price-feed/spec.ts',
    'Write migrations/price-feed/0001_ledger.sql',
    'Write operator/src/kinds/price-feed/children/',
    'Write operator/src/kinds/price-feed/conditions.ts',
    'Write runtimes/src/price-feed/',
    'Write the',
  ]);
}, 240_000);

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function messagesOf(json: string): readonly string[] {
  const report = JSON.parse(json) as Report;
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ failureMessages }) => failureMessages.join('\n')),
  );
}

test('a dry run names every file and writes none', async () => {
  const { code, stdout } = await newKind('price-feed', '--dry-run');

  expect(code).toBe(0);
  const named = stdout.split('\n').flatMap((line) => line.split(': ')[1] ?? []);
  const changed = registries.map(({ path }) => path);
  expect(named.toSorted()).toEqual([...(await partPaths('price-feed')), ...changed].toSorted());
  await expect(readFile(join(root, 'crds/src/price-feed.ts'))).rejects.toThrow();
});

test.each([
  ['priceFeed', 'write it as PriceFeed or price-feed'],
  ['price_feed', 'write it as PriceFeed or price-feed'],
  ['A'.padEnd(40, 'a'), 'longer than 30 characters'],
  ['CsvImport', 'is CsvImport already'],
  ['csv-import', 'is CsvImport already'],
  ['Csv', 'runtimes/src/csv exists already'],
])('refuses %s', async (name, message) => {
  const { code, stderr } = await newKind(name, '--dry-run');

  expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
});

test('says how it is used', async () => {
  expect(await newKind()).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--dry-run') as unknown,
  });
  expect((await newKind('--help')).stdout).toContain('npm run new-kind -- <Name>');
});
