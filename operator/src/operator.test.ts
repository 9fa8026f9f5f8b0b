/** What an operator does by itself when watches fail it; ends of the process are proved in test/crash. */
import { describe, expect, it } from 'vitest';
import { ImportCluster, namespace } from '../test/import-cluster.ts';
import { jobs } from './machinery/workload/resource-types.ts';

describe('an operator whose watches are late or silent', () => {
  it('reads live what its watch does not deliver, and goes on', async () => {
    await using cluster = new ImportCluster();
    await cluster.startOperator();
    cluster.onEvent = (event) =>
      event.type !== 'BOOKMARK' && event.object.kind === 'Job' ? [] : [event];
    await cluster.given({});
    await cluster.settle();

    // Of the Job nothing is ever heard; its creation must not be tried again and again.
    for (let second = 0; second < 10; second++) await cluster.clock.advance(1_000);
    await cluster.changeSpec({ rejects: { maxRows: 7 } });

    expect(cluster.calls.filter(({ verb }) => verb === 'delete').length).toBe(1);
  });

  it('decides anew when an object changed between its look and its deletion', async () => {
    await using cluster = await ImportCluster.create();
    const before = await cluster.read(jobs, 'users-coordinator');
    let touches = 0;
    cluster.beforeCall = async ({ verb, type }) => {
      if (verb !== 'delete' || type.kind !== 'Job' || ++touches > 2) return;
      await cluster.api.patch(
        jobs,
        { namespace, name: 'users-coordinator' },
        { metadata: { annotations: { touched: String(touches) } } },
      );
    };

    await cluster.changeSpec({ rejects: { maxRows: 7 } });
    await patience(cluster);

    const after = await cluster.read(jobs, 'users-coordinator');
    expect(touches).toBe(3);
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  });
});

async function patience(cluster: ImportCluster): Promise<void> {
  for (let round = 0; round < 6; round++) await cluster.clock.advance(10_000);
  await cluster.settle();
}
