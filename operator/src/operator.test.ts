import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ImportCluster, namespace, report } from '../test/import-cluster.ts';
import { jobs } from './kinds/csv-import/resource-types.ts';
import type { KubeApi } from './machinery/kube-api.ts';
import { KubeFailure } from './machinery/kube-failure.ts';

const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
const final = JSON.stringify(
  report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } }),
);

/** From nothing to Complete, with the operator restarted whenever it was ended. */
async function runImport(cluster: ImportCluster, settle: () => Promise<void>): Promise<void> {
  await cluster.given({});
  await settle();
  cluster.progress = report();
  const pod = await cluster.runCoordinator();
  await settle();
  await cluster.rollOut('users-gateway');
  await settle();
  await cluster.rollOut('users-worker');
  await settle();
  cluster.progress = undefined;
  await cluster.endCoordinator(pod, { exitCode: 0, message: final });
  await settle();
  await cluster.rollOut('users-worker');
  await settle();
}

/** The API as one life of the operator sees it: after call `last` every further call fails. */
function apiThatEndsAfter(api: KubeApi, last: number, onEnd: () => void): KubeApi {
  let calls = 0;
  return new Proxy(api, {
    get(target, verb: keyof KubeApi) {
      if (verb === 'watch') return target.watch.bind(target);
      return async (...call: never[]) => {
        if (calls > last) throw new KubeFailure('Unavailable', 'the operator has ended');
        const answer = await (target[verb] as (...call: never[]) => Promise<unknown>).apply(
          target,
          call,
        );
        // The write is done and its answer is lost: the hardest place to be killed at.
        if (++calls > last) {
          onEnd();
          throw new KubeFailure('Unavailable', 'the operator has ended');
        }
        return answer;
      };
    },
  });
}

describe('an operator that is killed after any of its calls', () => {
  let cluster = new ImportCluster();
  afterEach(async () => {
    await cluster.stopOperator();
  });

  async function undisturbed(): Promise<{ state: unknown; calls: number }> {
    cluster = new ImportCluster();
    let calls = 0;
    const counted = apiThatEndsAfter(cluster.api, Number.MAX_SAFE_INTEGER, () => undefined);
    const counting = new Proxy(counted, {
      get: (target, verb: keyof KubeApi) => {
        if (verb !== 'watch') calls++;
        return target[verb];
      },
    });
    await cluster.startOperator(counting);
    await runImport(cluster, async () => {
      await cluster.clock.advance(11_000);
      await cluster.settle();
    });
    const state = await cluster.state();
    await cluster.stopOperator();
    return { state, calls };
  }

  it('reaches the same state as one that was left alone', async () => {
    const { state, calls } = await undisturbed();
    expect(calls).toBeGreaterThan(20);

    for (let last = 0; last < calls; last++) {
      cluster = new ImportCluster();
      let hasEnded = false;
      const first = apiThatEndsAfter(cluster.api, last, () => {
        hasEnded = true;
      });
      void cluster.startOperator(first);
      await runImport(cluster, async () => {
        await cluster.clock.advance(11_000);
        await cluster.settle();
        if (!hasEnded) return;
        hasEnded = false;
        await cluster.stopOperator();
        await cluster.startOperator();
        await cluster.settle();
      });
      expect(await cluster.state(), `killed after call ${last}`).toEqual(state);
      await cluster.stopOperator();
    }
  });
});

describe('an operator whose watches are late and repeat themselves', () => {
  it('makes each child once and ends in the same state', async () => {
    await using calm = new ImportCluster();
    await calm.startOperator();
    await runImport(calm, () => patience(calm));
    const state = await calm.state();

    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.record({ lateMs: fc.nat(9_000), repeats: fc.boolean() })),
        async (faults) => {
          await using cluster = new ImportCluster();
          cluster.onEvent = async (event) => {
            const { lateMs, repeats } = faults.next().value;
            await cluster.clock.sleep(lateMs);
            return repeats ? [event, event] : [event];
          };
          await cluster.startOperator();

          await runImport(cluster, () => patience(cluster));

          expect(await cluster.state()).toEqual(state);
          expect(cluster.calls.filter(({ verb }) => verb === 'delete')).toEqual([]);
        },
      ),
      { numRuns: 15 },
    );
  });

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
