/** What operators see of the controllers behind a Deployment. */
import { describe, expect, it } from 'vitest';

import { deploymentType, isReady, type Pod } from '../../controllers/workload.ts';
import {
  eventually,
  name,
  owners,
  podSpec,
  Scene,
  type ControllersTarget,
  type MakeTarget,
} from './target.ts';

const hashLabel = 'pod-template-hash';

interface Wish {
  readonly replicas: number;
  readonly revision?: string;
  readonly strategy?: object;
}

const rolling = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

function spec(target: ControllersTarget, wish: Wish): object {
  const { replicas, revision = '1', strategy = rolling } = wish;
  const metadata = { labels: { app: name }, annotations: { revision } };
  return {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata, spec: podSpec(target) },
    strategy,
  };
}

const revisionOf = (pod: Pod): string | undefined => pod.metadata.annotations?.['revision'];
const names = (pods: readonly Pod[]): readonly string[] =>
  pods.map(({ metadata }) => metadata.name).toSorted();

interface Status {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly lastTransitionTime: string;
    readonly lastUpdateTime: string;
  }[];
}

/** The status without its conditions and what only some versions of Kubernetes count. */
async function counts(scene: Scene): Promise<object> {
  const status = await scene.status<Record<string, unknown>>();
  const left = Object.entries(status).filter(
    ([key]) => key !== 'conditions' && key !== 'terminatingReplicas',
  );
  return Object.fromEntries(left);
}

async function condition(scene: Scene, type: string) {
  const { conditions } = await scene.status<Status>();
  return conditions?.find((one) => one.type === type);
}

export function deploymentContract(makeTarget: MakeTarget): void {
  describe.concurrent('a Deployment', () => {
    it('has pods with the labels and annotations of its template, one hash, and it as an owner', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);

      const { metadata } = await scene.apply(spec(target, { replicas: 2 }));

      const pods = await scene.livePods(2);
      for (const pod of pods) {
        expect(pod.metadata.labels).toMatchObject({ app: name });
        expect(pod.metadata.annotations).toMatchObject({ revision: '1' });
        expect(pod.metadata.name).toMatch(new RegExp(`^${name}-`));
        const chain = await owners(scene.api, pod);
        expect(chain.at(-1)?.metadata.uid).toBe(metadata.uid);
      }
      const hashes = new Set(pods.map((pod) => pod.metadata.labels?.[hashLabel]));
      expect([...hashes]).toEqual([expect.stringMatching(/^[a-z0-9]+$/)]);
    });

    it('counts what runs and what is ready, and leaves out what is none', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 2 }));
      const pods = await scene.livePods(2);

      await scene.reaches({ replicas: 2, unavailableReplicas: 2 });
      expect(await counts(scene)).toEqual({
        observedGeneration: 1,
        replicas: 2,
        updatedReplicas: 2,
        unavailableReplicas: 2,
      });
      expect(await condition(scene, 'Available')).toMatchObject({
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        lastTransitionTime: expect.stringMatching(/^\d{4}-/),
        lastUpdateTime: expect.stringMatching(/^\d{4}-/),
      });

      for (const pod of pods) await scene.runs(pod);

      await scene.reaches({ availableReplicas: 2 });
      expect(await counts(scene)).toEqual({
        observedGeneration: 1,
        replicas: 2,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
      });
      expect(await condition(scene, 'Available')).toMatchObject({
        status: 'True',
        reason: 'MinimumReplicasAvailable',
      });
      await eventually('the roll-out is called done', async () => {
        const progress = await condition(scene, 'Progressing');
        return progress?.reason === 'NewReplicaSetAvailable' || undefined;
      });
    });

    it('is scaled up, and down by the pods that are not ready', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 1 }));
      const first = await scene.onlyPod();
      await scene.runs(first);

      await scene.scale(3);
      const pods = await scene.livePods(3);
      const [second] = pods.filter((pod) => pod.metadata.uid !== first.metadata.uid);
      if (second === undefined) throw new Error('there is no second pod');
      await scene.runs(second);
      await scene.reaches({ readyReplicas: 2 });
      await scene.scale(2);

      const left = await scene.livePods(2);
      expect(names(left)).toEqual(names([first, second]));
      await scene.reaches({ observedGeneration: 3, replicas: 2, readyReplicas: 2 });

      await scene.scale(0);
      await eventually(
        'no pod is left',
        async () => (await scene.allPods()).length === 0 || undefined,
      );
      await eventually('nothing is counted', async () => {
        const left = await counts(scene);
        return JSON.stringify(left) === '{"observedGeneration":4}' || undefined;
      });
    });

    it('rolls to a new template without a gap and ends with new pods only', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 2 }));
      for (const pod of await scene.livePods(2)) await scene.runs(pod);
      await scene.reaches({ availableReplicas: 2 });

      await scene.apply(spec(target, { replicas: 2, revision: '2' }));

      await eventually('only new pods are there and ready', async () => {
        const pods = await scene.allPods();
        expect(pods.filter(isReady).length).toBeGreaterThanOrEqual(2);
        const fresh = pods.filter((pod) => revisionOf(pod) === '2');
        for (const pod of fresh) if (!isReady(pod)) await scene.runs(pod);
        return (pods.length === 2 && fresh.length === 2 && fresh.every(isReady)) || undefined;
      });
      await scene.reaches({ observedGeneration: 2, updatedReplicas: 2, readyReplicas: 2 });
      expect(await counts(scene)).toEqual({
        observedGeneration: 2,
        replicas: 2,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
      });
    });

    it('has another hash for another template', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      const hashOf = async (revision: string): Promise<string | undefined> => {
        await scene.apply(spec(target, { replicas: 1, revision }));
        return eventually(`a pod of revision ${revision} is made`, async () => {
          const pods = await scene.allPods();
          return pods.find((pod) => revisionOf(pod) === revision)?.metadata.labels?.[hashLabel];
        });
      };

      const [first, second, third] = [await hashOf('1'), await hashOf('2'), await hashOf('3')];

      expect(new Set([first, second, third]).size).toBe(3);
    });

    it('that recreates makes no new pod before the last old one is gone', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      const strategy = { type: 'Recreate' };
      await scene.apply(spec(target, { replicas: 1, strategy }));
      const old = await scene.onlyPod();
      await scene.holds(old);
      await scene.runs(old);
      await scene.reaches({ availableReplicas: 1 });

      await scene.apply(spec(target, { replicas: 1, strategy, revision: '2' }));

      await eventually('nothing is counted as running', async () => {
        return JSON.stringify(await counts(scene)) === '{"observedGeneration":2}' || undefined;
      });
      expect(names(await scene.allPods())).toEqual(names([old]));
      await scene.drained(old);
      expect(revisionOf(await scene.onlyPod())).toBe('2');
    });

    it('replaces a pod that was deleted while it still drains', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 1 }));
      const first = await scene.onlyPod();
      await scene.holds(first);

      await scene.deletes(first);

      const second = await scene.onlyPod();
      expect(second.metadata.uid).not.toBe(first.metadata.uid);
      expect(await scene.allPods()).toHaveLength(2);
      await scene.drained(first);
    });

    it('replaces a pod that ended, and leaves the ended one to whoever wants to look', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 1 }));
      const evicted = await scene.onlyPod();

      await scene.ends(evicted, 137);

      const second = await scene.onlyPod();
      await scene.runs(second);
      await scene.reaches({ replicas: 1, readyReplicas: 1 });
      expect(names(await scene.allPods())).toEqual(names([evicted, second]));
    });

    it('takes its pods with it', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, deploymentType);
      await scene.apply(spec(target, { replicas: 2 }));
      await scene.livePods(2);

      await scene.delete();

      await eventually(
        'no pod is left',
        async () => (await scene.allPods()).length === 0 || undefined,
      );
    });
  });
}
