import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningBackend } from '../backends/backend.ts';
import { neededBackends, storeKeys } from './backends-secret.ts';
import { checkClaims, parseVolume } from './claims.ts';
import { manifestProblems } from './manifest-problems.ts';
import { loadManifests } from './manifests.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-manifests-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const good = `apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: users}
spec:
  source:
    volume: {claimName: data, path: users.csv}
  target: {table: users}
`;

async function write(text: string, name = 'a.yaml'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function problemsOf(text: string): Promise<readonly string[]> {
  const manifests = await loadManifests([await write(text)]);
  return manifests.flatMap((manifest) => manifestProblems(manifest)).map(withoutFolder);
}

function withoutFolder(text: string): string {
  return text.replaceAll(`${folder}/`, '');
}

test('reads several documents of several files of a folder, in order, into the default namespace', async () => {
  await write(good.replace('name: users', 'name: second'), 'b.yml');
  await write(
    `---\n${good}---\n# nothing\n---\n${good.replace('name: users', 'name: other, namespace: team')}`,
  );
  await write('not yaml: [', 'ignored.txt');

  const manifests = await loadManifests([folder]);

  expect(
    manifests.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`),
  ).toEqual(['default/users', 'team/other', 'default/second']);
  expect(manifests.flatMap((manifest) => manifestProblems(manifest))).toEqual([]);
});

describe('refuses, naming the place', () => {
  test.each([
    ['kind: [', /a\.yaml:2:1: /],
    ['- a list', /a\.yaml:1: a manifest is a map/],
    [
      'apiVersion: apps/v1\nkind: Deployment\n',
      /a\.yaml:2: .*not something play runs; it runs millrace\.dev\/v1alpha1 CsvImport/,
    ],
    [good.replace('{name: users}', '{}'), /a\.yaml:3: metadata\.name is required/],
    [
      `${good}---\n${good}`,
      /a\.yaml:11: CsvImport default\/users is also in .*a\.yaml:3; rename one/,
    ],
    ['# empty\n', /No CsvImport or IncrementPipeline in/],
  ])('%j', async (text, message) => {
    const file = await write(`${text}\n`);

    await expect(loadManifests([file])).rejects.toThrow(message);
  });

  test('a file that is not there and a folder without manifests', async () => {
    await expect(loadManifests([join(folder, 'none.yaml')])).rejects.toThrow('no such file');
    await expect(loadManifests([folder])).rejects.toThrow('no .yaml or .yml file');
  });
});

describe('finds what an API server would refuse, with the line it stands on', () => {
  test.each([
    [
      'a wrong word',
      good.replace('table: users', 'table: users, onConflict: LatesWins'),
      /^a\.yaml:7: spec\.target\.onConflict: must be one of LatestWins/,
    ],
    [
      'an unknown field',
      `${good}  workers:\n    maxx: 3\n`,
      /^a\.yaml:9: unknown field "spec\.workers\.maxx"; did you mean max/,
    ],
    [
      'a missing field',
      good.replace(/ {2}target.*\n/, ''),
      /^a\.yaml:4: spec\.target: is required/,
    ],
    [
      'a wrong type',
      `${good}  workers: {max: many}\n`,
      /^a\.yaml:8: spec\.workers\.max: must be a whole number/,
    ],
    [
      'fields that contradict each other',
      `${good}  workers:\n    min: 3\n    max: 2\n`,
      /^a\.yaml:9: spec\.workers\.min: workers\.min must not be greater/,
    ],
    [
      'a wrong item of a list',
      `${good}  columns:\n    - {name: id, type: text}\n    - {name: x, type: txt}\n`,
      /^a\.yaml:10: spec\.columns\[1\]\.type: must be one of/,
    ],
    [
      'a wrong name',
      good.replace('name: users', 'name: Users_1'),
      /^a\.yaml:3: metadata\.name: must be lower-case/,
    ],
  ])('%s', async (_what, text, message) => {
    const problems = await problemsOf(text);

    expect(problems[0]).toMatch(message);
  });
});

test('reports all problems of a manifest at once', async () => {
  const text = `${good.replace('table: users', 'table: USERS')}  workers: {max: 0}\n`;

  expect(await problemsOf(text)).toHaveLength(2);
});

describe('volumes', () => {
  test('are written as claim=folder', () => {
    expect(parseVolume('data=/tmp/x=y')).toEqual(['data', '/tmp/x=y']);
    expect(() => parseVolume('data')).toThrow('write it as claim=folder');
    expect(() => parseVolume('=x')).toThrow('write it as claim=folder');
  });

  test('an unmapped claim is refused with the flag to add and the line', async () => {
    const manifests = await loadManifests([await write(good)]);

    await expect(checkClaims(manifests, new Map())).rejects.toThrow(
      /a\.yaml:6: no folder stands for the claim data; add --volume data=FOLDER/,
    );
    await expect(checkClaims(manifests, new Map([['data', join(folder, 'no')]]))).rejects.toThrow(
      'there is no such folder',
    );
    await checkClaims(manifests, new Map([['data', folder]]));
  });
});

describe('backends', () => {
  const needs = async (text: string) => neededBackends(await loadManifests([await write(text)]));

  test('Redis is needed only with a cache', async () => {
    const without = await needs(good);
    const withCache = await needs(`${good}  cache: {mode: Invalidate}\n`);

    expect(without).toEqual({ names: ['postgres', 'rabbitmq'], namespaces: ['default'] });
    expect(withCache.names).toEqual(['postgres', 'rabbitmq', 'redis']);
  });

  test('a store is needed only by who reads from one, and the Secret tells how', async () => {
    const fromStore = good.replace(/volume: .*/, 's3: {bucket: drops, key: users.csv}');
    const s3 = { region: 'here', accessKeyId: 'me', secretAccessKey: 'secret' };
    const store = { url: 'http://store', extra: { s3 } } as RunningBackend;

    expect((await needs(fromStore)).names).toEqual(['postgres', 'rabbitmq', 's3']);
    expect(storeKeys(store)).toEqual({
      S3_ENDPOINT: 'http://store',
      S3_REGION: 'here',
      S3_ACCESS_KEY_ID: 'me',
      S3_SECRET_ACCESS_KEY: 'secret',
    });
  });

  test('a pipeline of increments needs no RabbitMQ; two kinds together need what both do', async () => {
    const pipeline = good
      .replace('CsvImport', 'IncrementPipeline')
      .replace(/ {2}source:\n.*\n/, '')
      .replace('name: users', 'name: views');
    const both = await needs(`${pipeline}---\n${good}`);

    expect((await needs(pipeline)).names).toEqual(['postgres', 'redis']);
    expect(both.names).toEqual(['postgres', 'redis', 'rabbitmq']);
  });

  test('nothing is started for a manifest that brings its own Secret', async () => {
    const secret = `apiVersion: v1\nkind: Secret\nmetadata: {name: mine}\nstringData: {POSTGRES_URL: x}\n---\n`;
    const uses = `${good}  backends: {secretName: mine}\n`;

    expect((await needs(`${secret}${uses}`)).names).toEqual([]);
    await expect(needs(uses)).rejects.toThrow(/a\.yaml:8: Secret mine is in none of the manifests/);
  });
});
