/**
 * What kinds share knows none of them, and no kind knows another: read from the imports of every
 * source file, for every registered kind. The rules of the linter say the same where somebody types,
 * and have to name kinds for it; here nothing has to be kept up to date.
 */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { posix } from 'node:path';
import { kinds } from '@millrace/crds';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const slugs = kinds.map(({ slug }) => slug);
/** The two files whose job it is to name them all; and `helm test`, which uses a kind as people do. */
const knowing = [
  'operator/src/registry.ts',
  'runtimes/src/registry.ts',
  'operator/src/chart-test/',
];
const packages = { '@millrace/crds/': 'crds/src/', '@millrace/operator/': 'operator/src/' };
const homes = ['crds/src/', 'operator/src/kinds/', 'runtimes/src/'];

/** The kind that a file belongs to, by its path from the root. */
function kindOf(path: string): string | undefined {
  return slugs.find((slug) =>
    homes.some((home) => new RegExp(`^${home}${slug}(/|[.]ts$|$)`).test(path)),
  );
}

function pathOf(specifier: string, from: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const held = Object.entries(packages).find(([name]) => specifier.startsWith(name));
  return held === undefined ? specifier : specifier.replace(held[0], held[1]);
}

/** Imports of a kind by a file that must not know it. */
function trespasses(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*'(?<specifier>[^']+)'/g)];
  return specifiers.flatMap(({ groups }) => {
    const specifier = groups?.['specifier'] ?? '';
    const imported = kindOf(pathOf(specifier, path));
    const isOwn = imported === undefined || imported === kindOf(path);
    const mayKnow = knowing.some((known) => path.startsWith(known));
    return isOwn || mayKnow ? [] : [`${path} imports ${specifier}`];
  });
}

test('nobody imports a kind but itself, the registries and the test of the chart', async () => {
  const sources = glob('{crds,operator,runtimes,runtimes/kit}/src/**/*.ts', { cwd: root });
  const found: string[] = [];
  let read = 0;
  for await (const path of sources) {
    if (path.endsWith('.test.ts') || path === 'crds/src/index.ts') continue;
    read += 1;
    found.push(...trespasses(path, await readFile(join(root, path), 'utf8')));
  }

  expect(found).toEqual([]);
  expect(read).toBeGreaterThan(300);
});

describe.each(slugs)('an import of %s', (slug) => {
  test.each([
    ['operator/src/machinery/act.ts', `import { names } from '../kinds/${slug}/names.ts';`],
    ['operator/src/scaling/need.ts', `import type { A } from '@millrace/crds/${slug}';`],
    ['operator/src/kinds/other/plan.ts', `import { names } from '../${slug}/names.ts';`],
    ['operator/src/kinds/other/a.ts', `import a from '@millrace/operator/kinds/${slug}/a';`],
    ['runtimes/src/connectors/redis/link.ts', `import type { A } from '@millrace/crds/${slug}/a';`],
    ['runtimes/src/http/server.ts', `import {\n  a,\n} from '../${slug}/index.ts';`],
    ['runtimes/src/chunks/a.ts', `const a = await import('../${slug}/index.ts');`],
    ['crds/src/scaling.ts', `import './${slug}.ts';`],
  ])('is seen in %s', (path, text) => {
    expect(trespasses(path, text)).toHaveLength(1);
  });

  test('is its own', () => {
    const text = `import a from '@millrace/crds/${slug}'; import b from './names.ts';`;

    expect(trespasses(`operator/src/kinds/${slug}/plan.ts`, text)).toEqual([]);
  });
});

test('a rule of the linter that names one kind names every kind', async () => {
  const text = await readFile(join(root, '.oxlintrc.json'), 'utf8');
  const { overrides } = JSON.parse(text) as { readonly overrides: readonly object[] };
  const groups = overrides.flatMap((override) => groupsIn(override));
  const naming = groups.filter((group) => slugs.some((slug) => group.join().includes(slug)));

  expect(naming.length).toBeGreaterThan(2);
  for (const group of naming) {
    const named = group.find((pattern) => slugs.some((slug) => pattern.includes(slug))) ?? '';
    const held = slugs.find((slug) => named.includes(slug)) ?? '';
    for (const slug of slugs) expect(group).toContain(named.replace(held, slug));
  }
});

function groupsIn(value: unknown): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  const own: unknown = Reflect.get(value, 'group');
  const below = Object.values(value).flatMap((inner: unknown) => groupsIn(inner));
  return Array.isArray(own) ? [own.map(String), ...below] : below;
}
