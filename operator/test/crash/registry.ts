/**
 * The stories of every registered kind. A kind has them in `scenarios/<slug>.ts`, exported as `proof`,
 * and their points in `points/<slug>.test.ts`; one without these files, or without a story that every
 * kind must have, fails here by name.
 */
import { access } from 'node:fs/promises';
import { operatorKinds } from '../../src/registry.ts';
import { storiesOfEveryKind, type KindProof } from './scenario.ts';

export async function kindProofs(): Promise<ReadonlyMap<string, KindProof>> {
  const loaded = await Promise.all(
    operatorKinds.map(async ({ slug }) => [slug, await proofOf(slug)] as const),
  );
  return new Map(loaded);
}

export async function proofOf(slug: string): Promise<KindProof> {
  const file = `operator/test/crash/scenarios/${slug}.ts`;
  const points = `points/${slug}.test.ts`;
  const needs = (path: string) => (cause: unknown) => {
    throw new Error(`the crash proof of ${slug} needs ${path}`, { cause });
  };
  await access(new URL(points, import.meta.url)).catch(needs(`operator/test/crash/${points}`));
  const module = await import(`./scenarios/${slug}.ts`).then(
    (held: { readonly proof?: KindProof }) => held,
    needs(file),
  );
  const { proof } = module;
  if (proof === undefined) throw new Error(`${file} must export \`proof\``);
  const missing = storiesOfEveryKind.filter((story) => proof.scenarios[story] === undefined);
  if (missing.length > 0) throw new Error(`${file} has no story for: ${missing.join(', ')}`);
  return proof;
}
