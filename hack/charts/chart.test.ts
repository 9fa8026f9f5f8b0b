/** What Helm makes of the chart, without a cluster: for every set of values that people are shown. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { afterAll, describe, expect, it } from 'vitest';

import { readConfig } from '../../operator/src/config.ts';
import { scratch } from '../cluster/test/scratch.ts';
import { charts, openHelm, toolOrWhy } from './helm.ts';
import { manifestsIn, podsOf, render, renderText, valueSets, type Manifest } from './rendered.ts';

const program = await toolOrWhy('helm', process.env);
const helm = await openHelm(typeof program === 'string' ? program : '');
const describeWithHelm = typeof program === 'string' ? describe : describe.skip;

afterAll(async () => {
  await helm[Symbol.asyncDispose]();
});

function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((held) => held.kind === kind && held.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

/** Definitions are compared with their source elsewhere; here they would only hide the rest. */
function withoutDefinitions(text: string): string {
  const parts = text.split(/^---\n/m);
  return parts.filter((part) => !part.includes('kind: CustomResourceDefinition')).join('---\n');
}

describeWithHelm.each(valueSets())('the chart with the values $name', ({ name, values }) => {
  it('passes helm lint, strictly', async () => {
    const { exitCode, stdout, stderr } = await helm.call([
      'lint',
      '--strict',
      charts.millrace,
      ...values,
    ]);

    expect({ exitCode, stdout: exitCode === 0 ? '' : stdout + stderr }).toEqual({
      exitCode: 0,
      stdout: '',
    });
  });

  it('renders what it rendered before', async () => {
    const text = await renderText(helm, { values });

    await expect(withoutDefinitions(text)).toMatchFileSnapshot(`golden/${name}.yaml`);
  });

  it('has only pods that meet the restricted Pod Security Standard and inherit no variables', async () => {
    const pods = podsOf(await render(helm, { values }));

    expect(pods.length).toBeGreaterThan(1);
    for (const { of, spec } of pods) {
      expect(spec.enableServiceLinks, of).toBe(false);
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC], of).toEqual(Array(3).fill(undefined));
      expect(spec.volumes?.filter((volume) => 'hostPath' in volume) ?? [], of).toEqual([]);
      expect(spec.securityContext, of).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect(container.securityContext, `${of} ${container.name}`).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('names every object once, and none longer than a label may be', async () => {
    const manifests = await render(helm, { values });
    const names = manifests.map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
    );

    expect(names.filter((one, at) => names.indexOf(one) !== at)).toEqual([]);
    for (const { metadata } of manifests) {
      for (const value of Object.values(metadata.labels ?? {})) {
        expect(value.length).toBeLessThan(64);
      }
    }
  });

  it('gives API access to the pods that need it and to no other', async () => {
    const pods = podsOf(await render(helm, { values }));
    const withAccess = pods.filter(({ spec }) => spec.automountServiceAccountToken !== false);

    for (const { labels } of withAccess) {
      expect(['operator', 'metrics-api', 'uninstall', 'test']).toContain(
        labels['app.kubernetes.io/component'],
      );
    }
  });

  it('gives the operator a configuration that its loader takes', async () => {
    await using place = await scratch();
    const manifests = await render(helm, { values });
    const { data } = named(manifests, 'ConfigMap', 'millrace-operator') as Manifest & {
      readonly data: Readonly<Record<string, string>>;
    };
    const file = join(place.path, 'operator.json');
    await writeFile(file, data['operator.json'] ?? '');

    const config = readConfig({ file, flags: {} }, {});

    expect(config.runtimeImage).toMatch(/millrace\/runtimes[:@]/);
    expect(config.admin).toEqual({ host: '0.0.0.0', port: 9_090 });
    expect(config.leaderElection.name).toBe('millrace-operator');
  });
});

describeWithHelm('the chart', () => {
  it('has a policy that lets each of its pods reach the API server, and denies all the rest', async () => {
    const manifests = await render(helm);
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    const names = ['operator', 'metrics-api', 'uninstall'];

    for (const policy of ['millrace-deny', 'millrace-api-server']) {
      const { spec } = named(policies, 'NetworkPolicy', policy) as Manifest & {
        readonly spec: { podSelector: { matchExpressions: readonly { values: string[] }[] } };
      };
      expect(spec.podSelector.matchExpressions[0]?.values).toEqual(names);
    }
    const components = podsOf(manifests).map(({ labels }) => labels['app.kubernetes.io/component']);
    expect(components).toEqual(expect.arrayContaining(names));
  });

  it('names what belongs to the whole cluster after its namespace, so that two can be installed', async () => {
    const first = await render(helm, { namespace: 'one' });
    const second = await render(helm, { namespace: 'two' });
    const ofCluster = (manifests: readonly Manifest[]): readonly string[] =>
      manifests
        .filter(
          ({ kind, metadata }) => metadata.namespace !== 'one' && metadata.namespace !== 'two',
        )
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);

    expect(ofCluster(first).length).toBeGreaterThan(5);
    expect(ofCluster(first).filter((name) => ofCluster(second).includes(name))).toEqual([]);
  });

  it('keeps names within what Kubernetes takes for the longest release', async () => {
    const release = 'r'.repeat(53);

    for (const { kind, metadata } of await render(helm, { release })) {
      const isOfCluster = metadata.name.includes(':');
      expect(isOfCluster ? 0 : metadata.name.length, `${kind} ${metadata.name}`).toBeLessThan(64);
    }
  });

  it('calls things after the release, with millrace in the name once', async () => {
    const releases = { millrace: 'millrace', 'my-millrace': 'my-millrace', data: 'data-millrace' };

    for (const [release, name] of Object.entries(releases)) {
      const manifests = await render(helm, { release });
      expect(named(manifests, 'Deployment', `${name}-operator`)).toBeDefined();
    }
  });

  it('is the version of the product, and so are its images', async () => {
    const { version } = JSON.parse(
      readFileSync(join(charts.millrace, '..', '..', 'package.json'), 'utf8'),
    ) as { readonly version: string };
    const pods = podsOf(await render(helm));

    expect(
      pods.find(({ of }) => of === 'Deployment millrace-operator')?.spec.containers[0],
    ).toMatchObject({ image: `millrace/operator:${version}` });
  });

  it('brings the definitions as generated, kept when it goes', async () => {
    const held = (await render(helm)).filter(({ kind }) => kind === 'CustomResourceDefinition');

    expect(held).toHaveLength(kinds.length);
    for (const kind of kinds) {
      const { spec, metadata } = customResourceDefinition(kind);
      const found = held.find((one) => one.metadata.name === metadata.name);
      expect(found?.['spec']).toEqual(JSON.parse(JSON.stringify(spec)));
      expect(found?.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    }
  });

  it('has the same definitions as the chart that brings them alone', async () => {
    const { stdout } = await helm.call(['template', 'crds', charts.crds]);
    const alone = manifestsIn(stdout);
    const together = (await render(helm)).filter(({ kind }) => kind === 'CustomResourceDefinition');

    expect(alone).toEqual(together);
  });

  it.each([
    ['watch.scope=namespaces', 'watch.namespaces must name at least one'],
    ['watch.namespaces={a}', 'watch.namespaces needs watch.scope: namespaces'],
  ])('refuses %s alone, and says why', async (value, why) => {
    await expect(renderText(helm, { values: ['--set', value] })).rejects.toThrow(why);
  });

  it('has no budget that a single replica could not keep', async () => {
    const manifests = await render(helm, {
      values: ['--set', 'replicas=1', '--set', 'metricsApi.replicas=1'],
    });

    expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  });

  it('starts pods anew when, and only when, their configuration changes', async () => {
    const template = async (value: string): Promise<unknown> =>
      podsOf(await render(helm, { values: ['--set', value] })).find(
        ({ of }) => of === 'Deployment millrace-operator',
      );

    const before = await template('replicas=2');

    expect(await template('config.polls.perSecond=7')).not.toEqual(before);
    expect(await template('metricsApi.replicas=3')).toEqual(before);
  });
});
