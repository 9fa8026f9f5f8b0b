/**
 * A CommonJS package that is imported when needed has all of its names under Node and only `default`
 * in our bundles, so that every test passes and the image fails. A module of our own between the two
 * imports it by name.
 */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Names of packages, without ours and Node's. */
function lazyPackages(text: string): string[] {
  const found = text.matchAll(/(?<!typeof )\bimport\('(?<name>(?:@[^/']+\/)?[^./'][^/']*)/g);
  return [...found]
    .map(({ groups }) => groups?.['name'] ?? '')
    .filter((name) => !name.startsWith('node:') && !name.startsWith('@millrace/'));
}

async function isModule(name: string): Promise<boolean> {
  const text = await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { type?: string }).type === 'module';
}

test('no CommonJS package is imported when needed', async () => {
  const wrong: string[] = [];
  const right: string[] = [];
  for await (const path of glob('{crds,operator,runtimes,runtimes/kit}/src/**/*.ts', {
    cwd: root,
  })) {
    if (path.endsWith('.test.ts')) continue;
    for (const name of lazyPackages(await readFile(join(root, path), 'utf8'))) {
      ((await isModule(name)) ? right : wrong).push(`${name} in ${path}`);
    }
  }

  expect(wrong).toEqual([]);
  expect(right).not.toEqual([]);
});

test('such an import is seen, with a scope and without', () => {
  const text = `
    import type { A } from 'undici';
    const { B } = await import('undici');
    const c = await import('@aws-sdk/client-s3/sub');
    const d = await import('./sdk.ts');
    const e = await import('node:tls');
    type F = typeof import('pg');
  `;

  expect(lazyPackages(text)).toEqual(['undici', '@aws-sdk/client-s3']);
});
