/** A cluster whose pods run by word alone. Building kwok takes minutes: only CI does it for a test. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { describeOnCluster, givenCluster } from '../../operator/test/real-cluster.ts';
import { run } from '../backends/command.ts';
import { cachedGoTool } from '../tools/go-tool.ts';
import { startControlPlane } from './control-plane.ts';
import { kubectlEnvironment } from './manifests.ts';
import { scratch } from './test/scratch.ts';

vi.setConfig({ testTimeout: 180_000 });

const isWorthIt =
  (await cachedGoTool('kwok', process.env)) !== undefined || process.env['CI'] === 'true';
const suite = isWorthIt ? describeOnCluster : describe.skip;

const podTemplate = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'none', image: 'no-such-image' }] },
};

const workloads = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 6, selector: { matchLabels: { app: 'web' } }, template: podTemplate },
  },
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once' },
    spec: { template: { spec: { ...podTemplate.spec, restartPolicy: 'Never' } } },
  },
];

interface PodList {
  readonly items: readonly {
    readonly spec: { readonly nodeName?: string };
    readonly status: { readonly phase: string };
  }[];
}

suite('tier c', () => {
  it('has pods that run on several nodes, and Jobs that complete, without containers', async () => {
    await using place = await scratch();
    const plane = await startControlPlane({
      tier: 'c',
      stateDir: place.path,
      env: { ...process.env, KUBEBUILDER_ASSETS: dirname(givenCluster().kubectl) },
      log: () => undefined,
    });
    const env = { ...process.env, ...kubectlEnvironment(plane.kubeconfig) };
    const kubectl = async (...args: readonly string[]): Promise<string> =>
      run(plane.kubectl, args, { env });
    const manifest = join(place.path, 'workloads.json');
    const list = { apiVersion: 'v1', kind: 'List', items: workloads };
    await writeFile(manifest, JSON.stringify(list));

    await kubectl('apply', '--filename', manifest);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    await kubectl('wait', '--for=condition=Complete', 'job/once', '--timeout=60s');

    const { items } = JSON.parse(
      await kubectl('get', 'pods', '--selector=app=web', '--output=json'),
    ) as PodList;
    expect(items.map(({ status }) => status.phase)).toEqual(Array(6).fill('Running'));
    expect(new Set(items.map(({ spec }) => spec.nodeName)).size).toBeGreaterThan(1);
    expect(plane.processes.map(({ role }) => role)).toContain('kwok');
    await plane.stop();
  });
});
