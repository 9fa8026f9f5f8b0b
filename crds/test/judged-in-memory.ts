/** The tables of a kind, judged by the API in memory. */
import { createMemoryApi } from '@millrace/operator/memory/memory-api';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { customResourceDefinition } from '../src/crd-yaml.ts';
import { exampleOf, type KindTables } from './kind-tables.ts';

export interface Given {
  readonly name?: string;
  readonly spec: unknown;
}

export type Refused = (given: Given) => Promise<string | undefined>;

/** What the API in memory says to a resource of the kind: undefined when it takes it. */
export function refusedInMemory({ kind }: Pick<KindTables, 'kind'>): Refused {
  return async (given) => said(memoryApi(kind).create(kind, resourceOf(kind, given)));
}

function memoryApi(kind: KindTables['kind']) {
  const kinds = [customResourceDefinition(kind)];
  return createMemoryApi({ now: () => 0, newUid: () => 'uid', kinds });
}

function resourceOf({ apiVersion, kind }: KindTables['kind'], { name = 'sample', spec }: Given) {
  return { apiVersion, kind, metadata: { namespace: 'default', name }, spec };
}

async function said(answer: Promise<unknown>): Promise<string | undefined> {
  return answer.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

export async function judgedInMemory(tables: KindTables): Promise<void> {
  const { kind } = tables;
  const example = await exampleOf(kind);
  const { name } = example.metadata;
  const refusal = refusedInMemory(tables);

  /** What it says to a change of one that it took. */
  async function refusalOfChange(from: object, patch: object): Promise<string | undefined> {
    const api = memoryApi(kind);
    const before = resourceOf(kind, { name, spec: mergePatch(example.spec, from) });
    await api.create(kind, before);
    return said(api.patch(kind, before.metadata, { spec: patch }));
  }

  describe(`a ${kind.kind}`, () => {
    test('is accepted as the example has it, also by its own types', async () => {
      expect(await refusal({ name, spec: example.spec })).toBeUndefined();
      expect(Compile(kind.spec).Check(example.spec)).toBe(true);
    });

    test.each(tables.accepted)('is accepted with $what', async ({ patch }) => {
      expect(await refusal({ name, spec: mergePatch(example.spec, patch) })).toBeUndefined();
    });

    test.each(tables.refused)('is refused with $what', async ({ patch, message }) => {
      const refused = await refusal({ name, spec: mergePatch(example.spec, patch) });

      expect(refused).toBe(`${kind.kind} "${name}" is invalid: ${message}`);
    });

    test.each(tables.refusedChanges)('cannot change to $what', async ({ from, patch, message }) => {
      const refused = await refusalOfChange(from ?? {}, patch);

      expect(refused).toBe(`${kind.kind} "${name}" is invalid: ${message}`);
    });

    test.each(tables.acceptedChanges)('can change to $what', async ({ patch }) => {
      expect(await refusalOfChange({}, patch)).toBeUndefined();
    });

    test.each(['1users', 'my.users', `u${'s'.repeat(50)}`])(
      'is refused under the name %s, which its children could not bear',
      async (wrong) => {
        const refused = await refusal({ name: wrong, spec: example.spec });

        expect(refused).toContain('metadata.name must start with a letter and be at most 50');
      },
    );

    test('is accepted under a name of 50 characters', async () => {
      expect(await refusal({ name: 'u'.repeat(50), spec: example.spec })).toBeUndefined();
    });
  });
}
