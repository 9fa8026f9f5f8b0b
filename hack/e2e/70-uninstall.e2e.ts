/** The end of it: not while that would strand something, and never with the data. */
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { incrementPipelines } from '@millrace/operator/kinds/increment-pipeline/resource-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { podsIn, podsText, waitForCondition } from './resources.ts';
import {
  apply,
  helm,
  installedApi,
  kubectl,
  preparedNamespace,
  release,
  rows,
  systemNamespace,
  type Rows,
} from './suite.ts';
import { messageOf, waitUntil } from './waiting.ts';

const namespace = 'stranded';
const name = 'held';
const uninstall = [
  'uninstall',
  release,
  '--namespace',
  systemNamespace,
  '--wait',
  '--timeout',
  '90s',
];

const pipeline = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'IncrementPipeline',
  metadata: { name, namespace },
  spec: { target: { table: name }, durability: 'Fsync', workers: { min: 1, max: 1 } },
};

describe('the uninstall', () => {
  let api: HttpKubeApi;
  let db: Rows;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    await preparedNamespace(namespace);
    await apply(pipeline);
    const place = { api, type: incrementPipelines, namespace, name };
    await waitForCondition(place, { type: 'Ready', status: 'True' }, 60_000);
  });

  afterAll(async () => {
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  it('is refused while a pipeline is there that nobody would drain any more', async () => {
    const refusal = await helm(uninstall, { timeoutMs: 120_000 }).then(
      () => 'it was done',
      (error: unknown) => messageOf(error),
    );

    expect(refusal).toContain(`incrementpipeline ${namespace}/${name}`);
    expect(refusal).toContain('Nothing was changed.');
    const operators = await podsIn(api, systemNamespace);
    expect(operators.some((pod) => pod.name.startsWith(`${release}-operator-`))).toBe(true);
    const place = { api, type: incrementPipelines, namespace, name };
    await waitForCondition(place, { type: 'Ready', status: 'True' }, 10_000);
  });

  it('takes everything but definitions and data, once that has been seen to', async () => {
    const all = ['delete', 'incrementpipeline', '--all', '-A', '--timeout=90s'];
    await kubectl(all, { timeoutMs: 100_000 });
    const [before] = await db.query<{ rows: string }>('SELECT count(*) AS rows FROM users');

    await helm(uninstall, { timeoutMs: 120_000 });

    await waitUntil('the pods of the chart to be gone', 60_000, async () => {
      const pods = (await podsIn(api, systemNamespace)).filter(({ phase }) => phase === 'Running');
      return [pods.length === 0, podsText(pods)];
    });
    const [after] = await db.query<{ rows: string }>('SELECT count(*) AS rows FROM users');
    const services = await kubectl(['get', 'apiservices', '-o', 'name']);
    expect(after).toEqual(before);
    expect(services).not.toContain('external.metrics.k8s.io');
    expect(await kubectl(['get', 'secret', '-n', systemNamespace, '-o', 'name'])).not.toContain(
      'metrics-api-tls',
    );
    expect(await kubectl(['get', 'csvimport', 'users', '-n', 'default', '-o', 'name'])).toContain(
      'users',
    );
    const [sums] = await db.query<{ found: string | null }>(
      `SELECT to_regclass('public.increments') AS found`,
    );
    expect(sums?.found).toBe('increments');
  });

  it('leaves a cluster in which a namespace can be deleted', async () => {
    await kubectl(['delete', 'namespace', namespace, '--timeout=60s'], { timeoutMs: 70_000 });
    const left = await kubectl(['get', 'namespace', namespace, '--ignore-not-found']);
    expect(left).toBe('');
  });
});
