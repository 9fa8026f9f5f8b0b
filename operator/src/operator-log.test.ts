import { createMetrics } from '@millrace/kit/metrics';
import { expect, it } from 'vitest';
import { capturedLog } from '../test/captured-log.ts';
import { ImportCluster, namespace, report } from '../test/import-cluster.ts';
import { backends } from '../test/import-world.ts';

const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
const final = JSON.stringify(
  report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } }),
);

it('is one line for each change of state of an import, from nothing to Complete, and no other', async () => {
  await using cluster = new ImportCluster();
  const { log, lines } = capturedLog('debug');
  const metrics = createMetrics({});
  const said = () => lines().map(({ msg, from, to }) => [msg, from, to]);
  await cluster.startOperator(cluster.api, { log, metrics });

  await cluster.createImport();
  await cluster.settle();
  await cluster.createSecret(backends);
  await cluster.createClaim();
  await cluster.settle();
  cluster.progress = report();
  const pod = await cluster.runCoordinator();
  await cluster.clock.advance(11_000);
  await cluster.rollOut('users-gateway');
  await cluster.rollOut('users-worker');
  await cluster.clock.advance(60_000);
  const whileLoading = said();
  // Ten minutes of progress are hundreds of passes, and none of them changes the state.
  for (const done of [100, 200, 300]) {
    cluster.progress = report({ bytes: { source: 1_000, planned: 1_000, done } });
    await cluster.clock.advance(200_000);
  }
  expect(said()).toEqual(whileLoading);
  cluster.progress = undefined;
  await cluster.endCoordinator(pod, { exitCode: 0, message: final });
  await cluster.clock.advance(11_000);
  await cluster.settle();

  expect(said()).toEqual([
    ['state changed', undefined, 'SecretNotFound'],
    ['state changed', 'SecretNotFound', 'Starting'],
    ['state changed', 'Starting', 'Loading'],
    ['state changed', 'Loading', 'Complete'],
  ]);
  expect(lines()[0]).toMatchObject({
    level: 'info',
    kind: 'csv-import',
    namespace,
    name: 'users',
    why: expect.stringContaining('Secret millrace-backends'),
  });
});
