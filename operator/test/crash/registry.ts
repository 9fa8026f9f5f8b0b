/**
 * The stories of every registered kind. A kind has them in `scenarios/<slug>.ts`, exported as `proof`;
 * one without that file, or without a story that every kind must have, fails here by name.
 */
import { operatorKinds } from '../../src/registry.ts';
import { storiesOfEveryKind, type KindProof } from './scenario.ts';

export async function kindProofs(): Promise<ReadonlyMap<string, KindProof>> {
  const loaded = await Promise.all(
    operatorKinds.map(async ({ slug }) => [slug, await proofOf(slug)] as const),
  );
  return new Map(loaded);
}

async function proofOf(slug: string): Promise<KindProof> {
  const file = `operator/test/crash/scenarios/${slug}.ts`;
  const module = await import(`./scenarios/${slug}.ts`).then(
    (held: { readonly proof?: KindProof }) => held,
    (cause: unknown) => {
      throw new Error(`the crash proof of ${slug} needs ${file}`, { cause });
    },
  );
  const { proof } = module;
  if (proof === undefined) throw new Error(`${file} must export \`proof\``);
  const missing = storiesOfEveryKind.filter((story) => proof.scenarios[story] === undefined);
  if (missing.length > 0) throw new Error(`${file} has no story for: ${missing.join(', ')}`);
  return proof;
}
