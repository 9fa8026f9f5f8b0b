import { expect, it } from 'vitest';
import { ImportCluster, namespace, report, usersSpec } from '../../../test/import-cluster.ts';
import { jobs, secrets } from '../../machinery/workload/resource-types.ts';

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
