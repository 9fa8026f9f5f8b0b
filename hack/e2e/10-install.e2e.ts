/** The chart on a cluster that has nothing of ours, as the README says it. */
import { fileURLToPath } from 'node:url';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFigure } from './figures.ts';
import { conditionOf, conditionsText, podsIn, podsText } from './resources.ts';
import { apply, helm, kubeApi, kubectl, release, systemNamespace } from './suite.ts';
import { restrictedNamespace } from './fixtures.ts';
import { waitUntil } from './waiting.ts';

const chart = fileURLToPath(new URL('../../charts/millrace', import.meta.url));
const metricsService = 'v1beta1.external.metrics.k8s.io';
const apiServices = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
};

describe('the chart', () => {
  let api: HttpKubeApi;

  beforeAll(async () => {
    api = await kubeApi();
    // Pods of the chart that are not restricted would be refused here.
    await apply(restrictedNamespace(systemNamespace));
  });

  afterAll(async () => api.close());

  it('installs, with two operators and two metrics servers ready', async () => {
    const startedMs = performance.now();
    const args = [
      '--namespace',
      systemNamespace,
      '--create-namespace',
      '--wait',
      '--timeout',
      '2m',
    ];
    const said = await helm(['install', release, chart, ...args], { timeoutMs: 150_000 });
    await recordFigure({
      what: '`helm install --wait`',
      value: (performance.now() - startedMs) / 1_000,
      unit: 's',
      bar: 30,
    });

    const pods = await podsIn(api, systemNamespace);
    const ready = pods.filter(({ isReady }) => isReady).map(({ name }) => name);
    expect(said).toContain('STATUS: deployed');
    expect(ready.filter((name) => name.startsWith('millrace-operator-'))).toHaveLength(2);
    expect(ready.filter((name) => name.startsWith('millrace-metrics-api-'))).toHaveLength(2);
  });

  it('has one operator lead and the other stand by', async () => {
    await waitUntil('the Lease to be held by one of the operators', 30_000, async () => {
      const path = 'jsonpath={.items[*].spec.holderIdentity}';
      const holder = await kubectl(['get', 'lease', '-n', systemNamespace, '-o', path]);
      const pods = await podsIn(api, systemNamespace);
      const isHeld = pods.some(({ name }) => holder.includes(name));
      return [isHeld, `held by "${holder}"; ${podsText(pods)}`];
    });
  });

  it('serves every kind to kubectl', async () => {
    const kinds = await kubectl(['api-resources', '--categories=millrace', '-o', 'name']);

    expect(kinds).toContain('csvimports.millrace.dev');
    expect(kinds).toContain('incrementpipelines.millrace.dev');
    expect(await kubectl(['get', 'millrace', '-A'])).toBe('');
  });

  it('makes the metrics of its workers available to autoscalers', async () => {
    await waitUntil(`the API service ${metricsService} to be available`, 60_000, async () => {
      const found = await api.get(apiServices, { namespace: '', name: metricsService });
      const isAvailable = conditionOf(found, 'Available')?.status === 'True';
      return [isAvailable, conditionsText(found)];
    });
    const list = JSON.parse(
      await kubectl(['get', '--raw', '/apis/external.metrics.k8s.io/v1beta1']),
    ) as { readonly resources: readonly { readonly kind: string }[] };

    expect(list.resources.map(({ kind }) => kind)).toContain('ExternalMetricValueList');
  });
});
