/**
 * The API in memory and a real server give the same verdict on specs that nobody wrote down, and the
 * server blames no field that memory is silent about. fast-check prints the seed of a difference.
 */
import { readFile } from 'node:fs/promises';
import { createMemoryApi, type MemoryApi } from '@millrace/operator/memory/memory-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { customResourceDefinition, structural } from '../src/crd-yaml.ts';
import { csvImportKind } from '../src/csv-import.ts';
import { arbitraryChange, changed, type Replacement } from './arbitrary-change.ts';
import { rawServer, type RawServer } from './raw-server.ts';

const { apiVersion, kind, plural } = csvImportKind;
const example = parse(
  await readFile(new URL(`../examples/${csvImportKind.slug}.yaml`, import.meta.url), 'utf8'),
) as { readonly spec: object };
const vocabulary =
  'id first_name last_name limit _millrace_pos users_rejects Off text RFC3339 yyyy-MM-dd , # ../up /root'.split(
    ' ',
  );
const options = {
  now: () => 0,
  newUid: () => 'uid',
  kinds: [customResourceDefinition(csvImportKind)],
};
const changes = arbitraryChange(structural(csvImportKind.spec), vocabulary);

/** Judged at the same time, which a server on a busy host answers much sooner. */
const several = fc.array(changes, { minLength: 1, maxLength: 12, size: 'max' });
const all = (judge: (change: Replacement[]) => Promise<void>) =>
  fc.asyncProperty(several, async (list) => {
    await Promise.all(list.map(judge));
  });

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

describeOnCluster('memory and a real server agree', () => {
  let cluster: RealNamespace;
  let server: RawServer;
  const path = (rest: string) =>
    `/apis/${apiVersion}/namespaces/${cluster.namespace}/${plural}${rest}`;
  const importOf = (name: string, spec: unknown) => ({
    apiVersion,
    kind,
    metadata: { namespace: cluster.namespace, name },
    spec,
  });

  async function serverSays(method: string, rest: string, body: object): Promise<Verdict> {
    const answer = await server.send(method, path(`${rest}?dryRun=All`), body);
    const { details } = answer.body as { details?: { causes?: { field?: string }[] } };
    const fields = (details?.causes ?? []).map(({ field = '' }) => field);
    const message = String(answer.body['message']);
    return {
      isTaken: answer.code < 300,
      message,
      fields: fields.filter((field) => field.startsWith('spec')),
    };
  }

  function memoryApi(): MemoryApi {
    return createMemoryApi(options);
  }

  async function memorySays(answer: Promise<unknown>): Promise<Verdict> {
    return answer.then(
      () => ({ isTaken: true, message: '', fields: [] }),
      (error: Error) => ({ isTaken: false, message: error.message, fields: [] }),
    );
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

  beforeAll(async () => {
    cluster = await realNamespace();
    server = await rawServer();
    const created = await server.send('POST', path(''), importOf('stored', example.spec));
    expect(created.code).toBe(201);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  test('on new imports', async () => {
    const judge = async (change: Replacement[]): Promise<void> => {
      const object = importOf('new', changed(example.spec, change));

      const ours = await memorySays(memoryApi().create(csvImportKind, object));

      expectSame(ours, await serverSays('POST', '', object));
    };
    await fc.assert(all(judge), { numRuns: 40 });
  });

  test('on changes of a stored import', async () => {
    const memory = memoryApi();
    const stored = await memory.create(csvImportKind, importOf('stored', example.spec));
    const judge = async (change: Replacement[]): Promise<void> => {
      // In a merge patch it is null that removes.
      const removing = change.map(({ path: at, value }) => ({ path: at, value: value ?? null }));
      const patch = { spec: changed(example.spec, removing) };
      const fresh = createMemoryApi({ ...options, snapshot: memory.snapshot() });

      const ours = await memorySays(fresh.patch(csvImportKind, stored.metadata, patch));

      expectSame(ours, await serverSays('PATCH', '/stored', patch));
    };
    await fc.assert(all(judge), { numRuns: 25 });
  });
});
