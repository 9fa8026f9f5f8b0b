/** Walks the registries: what is a kind to one of them is whole, and a kind to all of them. */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kinds } from '@millrace/crds';
import { operatorKinds } from '@millrace/operator/registry';
import { runtimes } from '@millrace/runtimes/registry';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { partPaths } from './parts.ts';

const root = join(import.meta.dirname, '..', '..');
const recipe = 'ARCHITECTURE.md, "Recipe: add a kind", says what belongs to a kind';
const slugs = kinds.map(({ slug }) => slug);

async function exists(path: string): Promise<boolean> {
  return await access(join(root, path)).then(
    () => true,
    () => false,
  );
}

test('the three registries list the same kinds, in the same order', () => {
  expect(
    operatorKinds.map(({ slug }) => slug),
    recipe,
  ).toEqual(slugs);
  expect(Object.keys(runtimes), recipe).toEqual(slugs);
});

test('no folder of a kind is missing from the registries', async () => {
  const folders = await readdir(join(root, 'operator/src/kinds'));
  const migrations = await readdir(join(root, 'migrations'));

  expect(folders.toSorted(), recipe).toEqual(slugs.toSorted());
  expect(migrations.toSorted(), recipe).toEqual(slugs.toSorted());
});

describe.each(kinds)('$kind', ({ kind, slug, apiVersion, shortName }) => {
  test('has every part that a kind has, under the same names as its siblings', async () => {
    const generated = [`crds/${slug}.yaml`, `operator/test/crash/scenarios/${slug}.ts`];
    const paths = [...(await partPaths(slug)), ...generated];
    const missing: string[] = [];
    for (const path of paths) if (!(await exists(path))) missing.push(path);

    expect(paths.length).toBeGreaterThan(25);
    expect(missing, recipe).toEqual([]);
  });

  test('has an example of its own kind', async () => {
    const text = await readFile(join(root, `crds/examples/${slug}.yaml`), 'utf8');

    expect(parse(text)).toMatchObject({ apiVersion, kind });
  });

  test('has migrations that can be undone', async () => {
    const folder = join(root, 'migrations', slug);
    for (const name of await readdir(folder)) {
      const sql = await readFile(join(folder, name), 'utf8');
      expect(name).toMatch(/^\d{4}_[a-z_]+\.sql$/);
      expect(sql, name).toMatch(/-- Up Migration[\s\S]+-- Down Migration/);
    }
  });

  test('is in the README, and nobody else has its short name', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');

    expect(readme).toMatch(new RegExp(`^\\| \`${kind}\` `, 'm'));
    expect(kinds.filter((other) => other.shortName === shortName).length).toBe(1);
  });

  test('is reconciled under the resource type that its definition has', () => {
    const registered = operatorKinds.find((other) => other.slug === slug);

    expect(registered?.preview.type).toMatchObject({ apiVersion, kind });
  });
});
