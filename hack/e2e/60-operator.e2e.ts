/** Operators that die, and operators that are replaced: what they made goes on without noticing. */
import { fileURLToPath } from 'node:url';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { incrementPipelines } from '@millrace/operator/kinds/increment-pipeline/resource-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFigure } from './figures.ts';
import { podMemory, type PodMemory } from './memory.ts';
import { podsIn, podsText, waitForCondition, waitForReplicas } from './resources.ts';
import {
  apply,
  helm,
  installedApi,
  kubectl,
  preparedNamespace,
  release,
  systemNamespace,
} from './suite.ts';
import { waitFor } from './waiting.ts';

const chart = fileURLToPath(new URL('../../charts/millrace', import.meta.url));
const namespace = 'operators';
const operator = { namespace: systemNamespace, name: `${release}-operator` };

function pipeline(name: string, workers: number): object {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'IncrementPipeline',
    metadata: { name, namespace },
    spec: {
      target: { table: `of_${name}` },
      durability: 'Fsync',
      partitions: 4,
      gateway: { replicas: 1 },
      workers: { min: workers, max: workers },
    },
  };
}

function whoIs(pod: string): string {
  if (pod.startsWith(`${release}-operator-`)) return 'operator';
  if (pod.startsWith(`${release}-metrics-api-`)) return 'metrics API';
  return pod.includes('-gateway-') ? 'gateway' : 'worker';
}

describe('the operator', () => {
  let api: HttpKubeApi;

  beforeAll(async () => {
    api = await installedApi();
    await preparedNamespace(namespace);
    await apply(pipeline('one', 1));
    await ready('one');
  });

  afterAll(async () => api.close());

  async function ready(name: string): Promise<void> {
    const place = { api, type: incrementPipelines, namespace, name };
    await waitForCondition(place, { type: 'Ready', status: 'True' }, 60_000);
  }

  /** The name of the pod that leads. */
  async function leader(other = ''): Promise<string> {
    return waitFor({
      what: `an operator to lead${other === '' ? '' : ` that is not ${other}`}`,
      withinMs: 60_000,
      look: async () => {
        const path = 'jsonpath={.items[*].spec.holderIdentity}';
        const holder = await kubectl(['get', 'lease', '-n', systemNamespace, '-o', path]);
        const all = await podsIn(api, systemNamespace);
        const found = all.find(({ name }) => name !== other && holder.includes(`${name}_`));
        return found === undefined
          ? { state: `held by "${holder}"; ${podsText(all)}` }
          : { found: found.name };
      },
    });
  }

  it('is replaced by its standby when it is killed', async () => {
    const first = await leader();
    // At once, without a word to it: the Lease is not given up and has to run out.
    await kubectl(['delete', 'pod', first, '-n', systemNamespace, '--grace-period=0', '--force']);

    const second = await leader(first);
    await apply(pipeline('two', 1));
    await ready('two');

    expect(second).not.toBe(first);
    const place = { api, ...operator };
    await waitForReplicas(place, 60_000, ({ wanted, ready: many }) => wanted === 2 && many === 2);
  });

  it('is upgraded one pod after the other, and no pod that it made is restarted', async () => {
    const before = await podsIn(api, namespace);
    const systemBefore = await podsIn(api, systemNamespace);
    const args = ['upgrade', release, chart, '--namespace', systemNamespace, '--reuse-values'];
    await helm([...args, '--set', 'config.logLevel=debug', '--wait', '--timeout', '2m'], {
      timeoutMs: 150_000,
    });
    await leader();
    // Something that only the new ones can do: by then they have looked at all there is.
    await apply(pipeline('three', 1));
    await ready('three');

    const kept = (await podsIn(api, namespace)).filter(({ name }) => !name.startsWith('three-'));
    expect(kept.map(({ uid, restarts }) => ({ uid, restarts }))).toEqual(
      before.map(({ uid, restarts }) => ({ uid, restarts })),
    );
    const operators = (await podsIn(api, systemNamespace)).filter(({ name }) =>
      name.startsWith(`${operator.name}-`),
    );
    expect(operators).toHaveLength(2);
    expect(operators.some(({ uid }) => systemBefore.some((pod) => pod.uid === uid))).toBe(false);
  });

  it('takes little memory while nothing is to be done, and so do the pods that it made', async () => {
    const isIdle = ({ namespace: where }: PodMemory): boolean =>
      [namespace, systemNamespace].includes(where);
    const measured = await waitFor({
      what: 'the kubelet to have measured all idle pods',
      withinMs: 60_000,
      look: async () => {
        const pods = [...(await podsIn(api, namespace)), ...(await podsIn(api, systemNamespace))];
        const found = (await podMemory()).filter(isIdle);
        const missing = pods.filter(({ name }) => !found.some((one) => one.name === name));
        return missing.length === 0 ? { found } : { state: `without ${podsText(missing)}` };
      },
    });

    for (const { name, workingSetMiB, rssMiB } of measured) {
      console.error(`${name}: ${workingSetMiB.toFixed(0)} MiB, ${rssMiB.toFixed(0)} MiB of it RSS`);
      const what = whoIs(name);
      await recordFigure({
        what: `memory of an idle ${what} pod`,
        value: workingSetMiB,
        unit: 'MiB',
        bar: what === 'operator' || what === 'metrics API' ? 120 : 90,
      });
    }
    expect(measured.length).toBeGreaterThanOrEqual(8);
  });
});
