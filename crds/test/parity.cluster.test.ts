/**
 * The API in memory and a real server give the same verdict on specs that nobody wrote down, and the
 * server blames no field that memory is silent about. fast-check prints the seed of a difference.
 */
import { createMemoryApi } from '@millrace/operator/memory/memory-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { customResourceDefinition, structural } from '../src/crd-yaml.ts';
import { arbitraryChange, changed, type Replacement } from './arbitrary-change.ts';
import { exampleOf, kindTables, type Example } from './kind-tables.ts';
import { rawServer, type RawServer } from './raw-server.ts';

/** Judged at the same time, which a server on a busy host answers much sooner. */
function all(change: fc.Arbitrary<Replacement[]>, judge: (change: Replacement[]) => Promise<void>) {
  const several = fc.array(change, { minLength: 1, maxLength: 12, size: 'max' });
  return fc.asyncProperty(several, async (list) => {
    await Promise.all(list.map(judge));
  });
}

interface Verdict {
  readonly isTaken: boolean;
  readonly message: string;
  /** Fields to blame, as a server lists them. */
  readonly fields: readonly string[];
}

/** The field and what it is in: `spec.a[0].b`, `spec.a[0]`, `spec.a`. */
function ancestry(field: string): string[] {
  const parent = /^(?<parent>spec[.].*?)[.[][^.[]+$/.exec(field)?.groups?.['parent'];
  return parent === undefined ? [field] : [field, ...ancestry(parent)];
}

function expectSame(ours: Verdict, theirs: Verdict): void {
  const both = `memory: ${ours.message}\nserver: ${theirs.message}`;
  expect(ours.isTaken, both).toBe(theirs.isTaken);
  for (const field of theirs.fields) {
    // Of a list that is too long, memory says nothing more: its entries would fill the message.
    const isBlamed = ancestry(field).some((place) => ours.message.includes(`${place}: `));
    expect(isBlamed, `${field}\n${both}`).toBe(true);
  }
}

async function verdictOf(answer: Promise<unknown>): Promise<Verdict> {
  return answer.then(
    () => ({ isTaken: true, message: '', fields: [] }),
    (error: Error) => ({ isTaken: false, message: error.message, fields: [] }),
  );
}

describeOnCluster('memory and a real server agree', () => {
  let cluster: RealNamespace;
  let server: RawServer;

  beforeAll(async () => {
    cluster = await realNamespace();
    server = await rawServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  describe.each(kindTables)('on a $kind.kind', ({ kind, vocabulary }) => {
    let example: Example;
    const definition = customResourceDefinition(kind);
    const changes = arbitraryChange(structural(kind.spec), vocabulary);
    const memoryOptions = { now: () => 0, newUid: () => 'uid', kinds: [definition] };
    const path = (rest: string) =>
      `/apis/${kind.apiVersion}/namespaces/${cluster.namespace}/${kind.plural}${rest}`;
    const resourceOf = (name: string, spec: unknown) => ({
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: { namespace: cluster.namespace, name },
      spec,
    });

    beforeAll(async () => {
      example = await exampleOf(kind);
      const created = await server.send('POST', path(''), resourceOf('stored', example.spec));
      expect(created.code).toBe(201);
    });

    async function serverSays(method: string, rest: string, body: object): Promise<Verdict> {
      const answer = await server.send(method, path(`${rest}?dryRun=All`), body);
      const { details } = answer.body as { details?: { causes?: { field?: string }[] } };
      const fields = (details?.causes ?? []).map(({ field = '' }) => field);
      return {
        isTaken: answer.code < 300,
        message: String(answer.body['message']),
        fields: fields.filter((field) => field.startsWith('spec')),
      };
    }

    test('that is new', async () => {
      const judge = async (change: Replacement[]): Promise<void> => {
        const resource = resourceOf('new', changed(example.spec, change));

        const ours = await verdictOf(createMemoryApi(memoryOptions).create(kind, resource));

        expectSame(ours, await serverSays('POST', '', resource));
      };
      await fc.assert(all(changes, judge), { numRuns: 40 });
    });

    test('that is stored and changes', async () => {
      const memory = createMemoryApi(memoryOptions);
      const stored = await memory.create(kind, resourceOf('stored', example.spec));
      const judge = async (change: Replacement[]): Promise<void> => {
        // In a merge patch it is null that removes.
        const removing = change.map(({ path: at, value }) => ({ path: at, value: value ?? null }));
        const patch = { spec: changed(example.spec, removing) };
        const fresh = createMemoryApi({ ...memoryOptions, snapshot: memory.snapshot() });

        const ours = await verdictOf(fresh.patch(kind, stored.metadata, patch));

        expectSame(ours, await serverSays('PATCH', '/stored', patch));
      };
      await fc.assert(all(changes, judge), { numRuns: 25 });
    });
  });
});
