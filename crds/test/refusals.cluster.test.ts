/**
 * The tables of each kind's right and wrong specs, judged by a real API server.
 *
 * Its answers are compared word for word: they are what people read. The same tables are judged in
 * memory beside the schema, so that both refuse the same and accept the same.
 */
import { readdir, readFile } from 'node:fs/promises';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { exampleOf, kindTables, type Example } from './kind-tables.ts';
import { rawServer, type RawServer } from './raw-server.ts';

const examples = new URL('../examples/', import.meta.url);
const exampleFiles = (await readdir(examples)).filter((file) => file.endsWith('.yaml'));

/** The problems of an answer: a server reports those of several fields in an order of its own. */
function inAnyOrder(answer = 'accepted'): string[] {
  return answer
    .replace(/(?<=is invalid: )\[(?<list>.*)\]$/s, '$<list>')
    .split(/(?:, |(?<=is invalid: ))(?=spec[.]\S+: |<nil>: )/)
    .toSorted();
}

describeOnCluster('a real server', () => {
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

  test.each(exampleFiles)('accepts crds/examples/%s as kubectl sends it', async (file) => {
    const text = await readFile(new URL(file, examples), 'utf8');
    const create = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];

    const { exitCode, stdout, stderr } = await cluster.kubectl(create, text);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('created (server dry run)');
  });

  describe.each(kindTables)('asked about a $kind.kind', (tables) => {
    const { apiVersion, kind, plural } = tables.kind;
    let example: Example;
    const path = (rest = '') =>
      `/apis/${apiVersion}/namespaces/${cluster.namespace}/${plural}${rest}`;
    const resourceOf = (name: string, spec: unknown) => ({
      apiVersion,
      kind,
      metadata: { name },
      spec,
    });

    beforeAll(async () => {
      example = await exampleOf(tables.kind);
    });

    async function verdict(patch: object, name = example.metadata.name) {
      const resource = resourceOf(name, mergePatch(example.spec, patch));
      const { code, body } = await server.send('POST', path('?dryRun=All'), resource);
      return code === 201 ? undefined : String(body['message']);
    }

    /** What is said of a change to a stored resource. */
    async function change(from: object, patch: object): Promise<string | undefined> {
      const { name } = example.metadata;
      const before = resourceOf(name, mergePatch(example.spec, from));
      expect((await server.send('POST', path(), before)).code).toBe(201);
      const { code, body } = await server.send('PATCH', path(`/${name}?dryRun=All`), {
        spec: patch,
      });
      await server.send('DELETE', path(`/${name}`));
      return code === 200 ? undefined : String(body['message']);
    }

    test.each(tables.accepted)('accepts $what', async ({ patch }) => {
      expect(await verdict(patch)).toBeUndefined();
    });

    test.each(tables.refused)('refuses $what', async ({ patch, server: said }) => {
      expect(inAnyOrder(await verdict(patch))).toEqual(inAnyOrder(said));
    });

    test.each(tables.refusedChanges)('refuses $what', async ({ from, patch, server: said }) => {
      expect(inAnyOrder(await change(from ?? {}, patch))).toEqual(inAnyOrder(said));
    });

    test.each(tables.acceptedChanges)('accepts $what', async ({ patch }) => {
      expect(await change({}, patch)).toBeUndefined();
    });

    test.each(['1users', `u${'s'.repeat(50)}`])('refuses the name %s', async (name) => {
      expect(await verdict({}, name)).toBe(
        `${kind}.millrace.dev "${name}" is invalid: metadata.name: Invalid value: metadata.name must start with a letter and be at most 50 lower-case letters, digits and dashes`,
      );
    });

    test('accepts a name of 50 characters', async () => {
      expect(await verdict({}, 'u'.repeat(50))).toBeUndefined();
    });
  });
});
