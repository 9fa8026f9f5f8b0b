/**
 * What kind is told, proven on a stand-in that writes down its arguments: a host with a container
 * engine is not needed for that, and is not had everywhere.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { isKind, kindDown, kindLoad, kindUp } from './kind.ts';

let folder = '';
const lines: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-kind-'));
  lines.length = 0;
});

afterEach(async () => rm(folder, { recursive: true, force: true }));

/** `script` is what it does after it has written down its arguments. */
async function standIn(script: string): Promise<Readonly<Record<string, string>>> {
  const file = join(folder, 'kind');
  const text = `#!/bin/sh\necho "$*" >> "${folder}/calls"\n${script}\n`;
  await writeFile(file, text);
  await chmod(file, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

async function calls(): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

const place = () => ({ stateDir: folder, name: 'default' });
const options = (env: Readonly<Record<string, string>>) => ({
  env,
  log: (line: string) => void lines.push(line),
});
const own = () => `--name millrace-default --kubeconfig ${folder}/default/kubeconfig`;

test('creates a cluster from hack/kind.yaml with a kubeconfig in the state folder', async () => {
  const env = await standIn('echo "Creating cluster" >&2');

  const kubeconfig = await kindUp(place(), options(env));

  expect(kubeconfig).toBe(join(folder, 'default', 'kubeconfig'));
  const [, create = ''] = await calls();
  expect(create).toMatch(/^create cluster /);
  expect(create).toContain(own());
  expect(create).toMatch(/ --config \S+\/hack\/kind\.yaml --wait 2m$/);
  expect(lines).toContain('kind: Creating cluster');
  expect(await isKind(place())).toBe(true);
});

test('finds a cluster that is there, and only writes its kubeconfig again', async () => {
  const env = await standIn('if [ "$1" = get ]; then echo other; echo millrace-default; fi');

  await kindUp(place(), options(env));

  expect(await calls()).toEqual(['get clusters', `export kubeconfig ${own()}`]);
});

test('removes what a failed creation left, and says what kind said', async () => {
  const env = await standIn('[ "$1" != create ] || { echo "no engine answers" >&2; exit 1; }');

  await expect(kindUp(place(), options(env))).rejects.toThrow('no engine answers');

  expect((await calls()).at(-1)).toBe(`delete cluster ${own()}`);
  expect(await isKind(place())).toBe(false);
});

test('loads an archive into the nodes, and ends the cluster with all that was written', async () => {
  const env = await standIn('');
  await kindUp(place(), options(env));

  await kindLoad(place(), 'operator.tar', options(env));
  await kindDown(place(), options(env));

  expect((await calls()).slice(-2)).toEqual([
    'load image-archive operator.tar --name millrace-default',
    `delete cluster ${own()}`,
  ]);
  expect(await isKind(place())).toBe(false);
});

test('names what helps when there is no kind', async () => {
  await expect(kindUp(place(), options({ PATH: folder }))).rejects.toThrow(
    'there is no kind on the PATH; install it with its container engine, or use --tier d',
  );
});
