import { expect, it } from 'vitest';
import {
  ImportCluster,
  namespace,
  noTotals,
  report,
  usersSpec,
} from '../../../test/import-cluster.ts';
import { deployments, jobs, pods, secrets } from '../../machinery/workload/resource-types.ts';

const spec = {
  ...usersSpec,
  format: { header: 'Present' as const },
  columns: [
    { name: 'id', type: 'bigint' as const },
    { name: 'email', type: 'text' as const, sealed: true, searchable: true },
  ],
  serve: { enabled: true, filters: ['email'] },
};
const backends = { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' };

it('an import with sealed columns waits for keys, and names the one that is missing', async () => {
  await using cluster = await ImportCluster.create({ spec, secret: backends });
  const reason = 'SecretKeyMissing';
  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'False', reason });
  expect((await cluster.condition('Ready'))?.message).toMatch(/ lacks SEALING_KEYS\. /);
  expect(await cluster.read(jobs, 'users-coordinator')).toBeUndefined();

  const data = { ...backends, SEALING_KEYS: 'e30=' };
  await cluster.api.patch(secrets, { namespace, name: 'millrace-backends' }, { data });
  await cluster.settle();
  const said = { reason: 'SealingKeyMissing', message: 'Values are sealed with the key 2025-11.' };
  cluster.progress = report({ state: 'Planning', ...said });
  await cluster.runCoordinator();

  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'False', ...said });
  expect(await cluster.condition('Ready')).toMatchObject({ status: 'False', ...said });

  cluster.progress = report({ state: 'Loading' });
  await cluster.clock.advance(30_000);
  await cluster.settle();
  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'True' });
});

async function runGateway(cluster: ImportCluster): Promise<void> {
  const deployment = (await cluster.read(deployments, 'users-gateway')) as unknown;
  const { template } = (deployment as { spec: { template: { metadata: object } } }).spec;
  const metadata = { ...template.metadata, namespace, name: 'users-gateway-1' };
  await cluster.api.create(pods, { apiVersion: 'v1', kind: 'Pod', ...template, metadata });
  await cluster.setStatus(pods, 'users-gateway-1', {
    phase: 'Running',
    podIP: '127.0.0.1',
    conditions: [{ type: 'Ready', status: 'True' }],
  });
  await cluster.rollOut('users-gateway');
}

async function heard(cluster: ImportCluster, change: Parameters<typeof report>[0]): Promise<void> {
  cluster.progress = report({ state: 'Complete', ...change });
  await cluster.clock.advance(90_000);
  await cluster.settle();
}

it('a complete import that is served says what gateways see: a missing key, and totals after replays', async () => {
  const secret = { ...backends, SEALING_KEYS: 'e30=' };
  await using cluster = await ImportCluster.create({ spec, secret });
  const totals = { ...noTotals, read: 10, loaded: 8, rejected: 2 };
  const rejectReasons = [{ reason: 'Ragged', rows: 2 }];
  const ended = report({ state: 'Complete', totals, rejectReasons });
  const pod = await cluster.runCoordinator();
  await cluster.endCoordinator(pod, { exitCode: 0, message: JSON.stringify(ended) });
  await runGateway(cluster);
  const said = { reason: 'SealingKeyMissing', message: 'Values are sealed with the key 2025-11.' };
  const replayed = { ...totals, loaded: 10, rejected: 0 };

  await heard(cluster, { ...said, totals: replayed });
  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'False', ...said });
  expect(await cluster.condition('Ready')).toMatchObject({ status: 'True' });
  const status = await cluster.status();
  expect(status).toMatchObject({ totals: replayed, progress: { totals: replayed } });
  expect(status?.progress).not.toHaveProperty('rejectReasons');

  // Whoever has heard nothing yet says what was said before.
  await cluster.stopOperator();
  cluster.progress = undefined;
  await cluster.startOperator();
  await cluster.settle();
  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'False', ...said });
  expect((await cluster.status())?.totals).toEqual(replayed);

  await heard(cluster, { totals: replayed, backends: [{ name: 'postgres', ok: true }] });
  expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'True' });
});
