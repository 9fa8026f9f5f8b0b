/**
 * The tables of a CsvImport's right and wrong specs, judged by a real API server.
 *
 * Its answers are compared word for word: they are what people read. The same tables are judged in
 * memory beside the schema, so that both refuse the same and accept the same.
 */
import { readdir, readFile } from 'node:fs/promises';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { csvImportKind } from '../src/csv-import.ts';
import { acceptedChanges, acceptedSpecs } from './csv-import/accepted.ts';
import { csvImportRefusals, refusedChanges } from './csv-import-refusals.ts';
import { rawServer, type RawServer } from './raw-server.ts';

const examples = new URL('../examples/', import.meta.url);
const exampleFiles = (await readdir(examples)).filter((file) => file.endsWith('.yaml'));
const { apiVersion, kind, plural } = csvImportKind;
const example = parse(await readFile(new URL(`${csvImportKind.slug}.yaml`, examples), 'utf8')) as {
  readonly spec: object;
};

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
  const path = (rest = '') =>
    `/apis/${apiVersion}/namespaces/${cluster.namespace}/${plural}${rest}`;
  const importOf = (name: string, spec: unknown) => ({
    apiVersion,
    kind,
    metadata: { name },
    spec,
  });

  async function verdict(name: string, spec: unknown): Promise<string | undefined> {
    const { code, body } = await server.send('POST', path('?dryRun=All'), importOf(name, spec));
    return code === 201 ? undefined : String(body['message']);
  }

  /** What is said of a change to a stored import. */
  async function change(from: object, patch: object): Promise<string | undefined> {
    const name = 'users';
    const created = await server.send(
      'POST',
      path(),
      importOf(name, mergePatch(example.spec, from)),
    );
    expect(created.code).toBe(201);
    const { code, body } = await server.send('PATCH', path(`/${name}?dryRun=All`), { spec: patch });
    await server.send('DELETE', path(`/${name}`));
    return code === 200 ? undefined : String(body['message']);
  }

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

  test.each(acceptedSpecs)('accepts $what', async ({ patch }) => {
    expect(await verdict('users', mergePatch(example.spec, patch))).toBeUndefined();
  });

  test.each(csvImportRefusals)('refuses $what', async ({ patch, server: said }) => {
    const answer = await verdict('users', mergePatch(example.spec, patch));

    expect(inAnyOrder(answer)).toEqual(inAnyOrder(said));
  });

  test.each(refusedChanges)('refuses $what', async ({ from = {}, patch, server: said }) => {
    expect(inAnyOrder(await change(from, patch))).toEqual(inAnyOrder(said));
  });

  test.each(acceptedChanges)('accepts $what', async ({ patch }) => {
    expect(await change({}, patch)).toBeUndefined();
  });

  test.each(['1users', `u${'s'.repeat(50)}`])('refuses the name %s', async (name) => {
    expect(await verdict(name, example.spec)).toBe(
      `CsvImport.millrace.dev "${name}" is invalid: metadata.name: Invalid value: metadata.name must start with a letter and be at most 50 lower-case letters, digits and dashes`,
    );
  });

  test('accepts a name of 50 characters', async () => {
    expect(await verdict('u'.repeat(50), example.spec)).toBeUndefined();
  });
});
