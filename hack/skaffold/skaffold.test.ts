/**
 * skaffold.yaml as Skaffold itself reads it: every profile is understood, and what it would deploy is the
 * chart with the images that it built. Nothing is built and no cluster is asked; building needs a
 * container engine.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { execute, toolOrWhy, type HelmResult } from '../charts/helm.ts';
import { manifestsIn, podsOf, type Pod } from '../charts/rendered.ts';
import { scratch } from '../cluster/test/scratch.ts';

const root = join(import.meta.dirname, '..', '..');
const helm = await toolOrWhy('helm', process.env);
const skaffold = await toolOrWhy('skaffold', process.env);
const describeWithTools =
  typeof helm === 'string' && typeof skaffold === 'string' ? describe : describe.skip;

/** Away from the settings, caches and update checks of the user's own Skaffold. */
async function call(args: readonly string[]): Promise<HelmResult> {
  await using home = await scratch();
  const folder = typeof helm === 'string' ? dirname(helm) : '';
  const env = {
    HOME: home.path,
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    KUBECONFIG: join(home.path, 'none'),
    SKAFFOLD_UPDATE_CHECK: 'false',
    SKAFFOLD_INTERACTIVE: 'false',
    SKAFFOLD_FILENAME: join(root, 'skaffold.yaml'),
  };
  return execute(typeof skaffold === 'string' ? skaffold : '', args, { env });
}

interface Skaffold {
  readonly build: {
    readonly artifacts: readonly {
      readonly image: string;
      readonly docker: { readonly dockerfile: string; readonly target?: string };
      readonly sync?: {
        readonly manual: readonly { readonly src: string; readonly dest: string }[];
      };
    }[];
    readonly local?: { readonly push?: boolean };
  };
}

async function diagnosed(profiles: readonly string[]): Promise<Skaffold> {
  const flags = profiles.flatMap((profile) => ['-p', profile]);
  const { exitCode, stdout, stderr } = await call(['diagnose', '--yaml-only', ...flags]);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return parse(stdout) as Skaffold;
}

/** The pods of what would be deployed, by what makes them. */
async function rendered(profiles: readonly string[]): Promise<ReadonlyMap<string, Pod['spec']>> {
  const flags = profiles.flatMap((profile) => ['-p', profile]);
  const tags = ['millrace/operator', 'millrace/runtimes'].map((name) => `${name}=${name}:built`);
  const builds = ['--images', tags.join(',')];
  const args = ['render', '--offline', '--digest-source=none', ...builds, ...flags];
  const { exitCode, stdout, stderr } = await call(args);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return new Map(podsOf(manifestsIn(stdout)).map(({ of, spec }) => [of, spec]));
}

describeWithTools('skaffold.yaml', () => {
  it('is understood with each profile, which differ in where images go', async () => {
    const plain = await diagnosed([]);
    const kind = await diagnosed(['kind']);
    const remote = await diagnosed(['remote', 'external-backends']);

    expect(plain.build.artifacts.map(({ image }) => image)).toEqual([
      'millrace/operator',
      'millrace/runtimes',
    ]);
    expect([kind.build.local?.push, remote.build.local?.push]).toEqual([false, true]);
  });

  it('copies sources to where the image for development runs them', async () => {
    const { artifacts } = (await diagnosed([])).build;
    const operator = artifacts[0];
    const dockerfile = readFileSync(join(root, operator?.docker.dockerfile ?? ''), 'utf8');
    const synced = operator?.sync?.manual ?? [];

    expect(dockerfile).toContain(`AS ${operator?.docker.target ?? ''}\n`);
    expect(synced.length).toBeGreaterThan(0);
    for (const { src, dest } of synced) {
      expect(globSync(src, { cwd: root }).length, src).toBeGreaterThan(3);
      expect(dockerfile).toContain(`WORKDIR ${dest}\n`);
      expect(dockerfile).toContain(`--watch-path=${src.replace('/**/*.ts', '')}`);
    }
  });

  it('deploys the chart with the images that were built, watching, and writable for changes', async () => {
    const pods = await rendered([]);

    const operator = pods.get('Deployment millrace-operator')?.containers[0];
    expect(operator?.image).toBe('millrace/operator:built');
    expect(operator?.command).toBeUndefined();
    expect(operator?.securityContext).toMatchObject({ readOnlyRootFilesystem: false });
    expect(pods.get('Deployment millrace-metrics-api')?.containers[0]?.command).toContain(
      'operator/src/metrics-api/main.ts',
    );
    expect(pods.has('StatefulSet millrace-postgres')).toBe(true);
    expect(pods.has('StatefulSet millrace-kafka')).toBe(false);
  });

  it('brings no backends where there are others', async () => {
    const pods = await rendered(['external-backends']);

    expect(pods.has('Deployment millrace-operator')).toBe(true);
    expect([...pods.keys()].filter((of) => of.startsWith('StatefulSet'))).toEqual([]);
  });
});
