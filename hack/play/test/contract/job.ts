/** What operators see of the controller behind a Job. */
import { describe, expect, it } from 'vitest';

import { jobType, type Pod, type PodCondition } from '../../controllers/workload.ts';

import {
  eventually,
  name,
  owners,
  podSpec,
  Scene,
  type ControllersTarget,
  type MakeTarget,
} from './target.ts';

function spec(target: ControllersTarget, fields: object = {}): object {
  return {
    template: {
      metadata: { labels: { app: name } },
      spec: podSpec(target, { restartPolicy: 'Never' }),
    },
    ...fields,
  };
}

const policy = {
  podFailurePolicy: {
    rules: [
      { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [64] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  },
};

const disruption: PodCondition = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

interface Status {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly PodCondition[];
  readonly [count: string]: unknown;
}

/** What is counted; how pods are tracked until they are counted is the controllers' own affair. */
async function counts(scene: Scene): Promise<object> {
  const status = await scene.status<Status>();
  const fields = ['active', 'ready', 'terminating', 'succeeded', 'failed'];
  return Object.fromEntries(fields.filter((key) => key in status).map((key) => [key, status[key]]));
}

async function conditions(scene: Scene): Promise<readonly string[]> {
  const status = await scene.status<Status>();
  return (status.conditions ?? []).map((one) => `${one.type}=${one.status} ${one.reason ?? ''}`);
}

async function says(scene: Scene, condition: string): Promise<void> {
  await eventually(`the Job says ${condition}`, async () => {
    return (await conditions(scene)).includes(condition) || undefined;
  });
}

async function replaced(scene: Scene, old: Pod): Promise<Pod> {
  return eventually('another pod is made', async () => {
    const pods = await scene.allPods();
    const fresh = pods.filter((pod) => pod.metadata.uid !== old.metadata.uid);
    return fresh.length === 1 ? fresh[0] : undefined;
  });
}

function outcomes(makeTarget: MakeTarget): void {
  it('has one pod with its labels and it as the controller', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);

    const { metadata } = await scene.apply(spec(target));

    const pod = await scene.onlyPod();
    expect(pod.metadata.labels).toMatchObject({
      app: name,
      'batch.kubernetes.io/job-name': name,
      'job-name': name,
      'batch.kubernetes.io/controller-uid': metadata.uid,
      'controller-uid': metadata.uid,
    });
    expect(pod.metadata.name).toMatch(new RegExp(`^${name}-`));
    const [owner] = await owners(scene.api, pod);
    expect(owner?.metadata.uid).toBe(metadata.uid);
    await scene.reaches({ active: 1 });
    expect(await counts(scene)).toEqual({ active: 1, ready: 0, terminating: 0 });
    expect((await scene.status<Status>()).startTime).toMatch(/^\d{4}-/);
    await scene.runs(pod);
    await scene.reaches({ active: 1, ready: 1 });
  });

  it('is complete when its pod has succeeded, and the pod stays to be read', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, policy));
    const pod = await scene.onlyPod();
    await scene.runs(pod);

    await scene.ends(pod, 0);

    await says(scene, 'Complete=True CompletionsReached');
    expect(await conditions(scene)).toEqual([
      'SuccessCriteriaMet=True CompletionsReached',
      'Complete=True CompletionsReached',
    ]);
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 0, succeeded: 1 });
    expect((await scene.status<Status>()).completionTime).toMatch(/^\d{4}-/);
    const left = await scene.allPods();
    expect(left.map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
  });

  it('replaces a failed pod once ten seconds of back-off are over', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target));
    const pod = await scene.onlyPod();
    const finishedAtMs = Math.floor((Date.now() - 7_000) / 1000) * 1000;

    await scene.ends(pod, 1, { finishedAt: new Date(finishedAtMs).toISOString() });

    const next = await replaced(scene, pod);
    const waitedMs = Date.parse(next.metadata.creationTimestamp ?? '') - finishedAtMs;
    expect(waitedMs).toBeGreaterThanOrEqual(10_000);
    await scene.reaches({ active: 1, failed: 1 });
  });

  it('has failed after more failures than its limit', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, { backoffLimit: 1 }));
    const first = await scene.onlyPod();
    await scene.ends(first, 1);
    const second = await replaced(scene, first);

    await scene.ends(second, 1);

    await says(scene, 'Failed=True BackoffLimitExceeded');
    expect(await conditions(scene)).toEqual([
      'FailureTarget=True BackoffLimitExceeded',
      'Failed=True BackoffLimitExceeded',
    ]);
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 0, failed: 2 });
    expect(await scene.allPods()).toHaveLength(2);
  });

  it('takes its pods with it', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target));
    await scene.ends(await scene.onlyPod(), 0);
    await says(scene, 'Complete=True CompletionsReached');

    await scene.delete();

    await eventually(
      'no pod is left',
      async () => (await scene.allPods()).length === 0 || undefined,
    );
  });
}

function policies(makeTarget: MakeTarget): void {
  it('has failed at once on an exit code that is hopeless, and says which', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, policy));
    const pod = await scene.onlyPod();

    await scene.ends(pod, 64);

    await says(scene, 'Failed=True PodFailurePolicy');
    expect(await conditions(scene)).toEqual([
      'FailureTarget=True PodFailurePolicy',
      'Failed=True PodFailurePolicy',
    ]);
    const { conditions: written } = await scene.status<Status>();
    const message = written?.at(-1)?.message ?? '';
    expect(message).toContain(pod.metadata.name);
    expect(message).toMatch(/exit code 64\b.* FailJob rule at index 0/);
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 0, failed: 1 });
    expect(await scene.allPods()).toHaveLength(1);
  });

  it('does not count a pod that was disrupted, and replaces it', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, { ...policy, backoffLimit: 0 }));
    const pod = await scene.onlyPod();

    await scene.ends(pod, 143, { conditions: [disruption] });

    await scene.runs(await replaced(scene, pod));
    await scene.reaches({ active: 1, ready: 1 });
    expect(await counts(scene)).toEqual({ active: 1, ready: 1, terminating: 0 });
  });

  it('with podReplacementPolicy Failed waits until a deleted pod has ended', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, { ...policy, podReplacementPolicy: 'Failed' }));
    const pod = await scene.onlyPod();
    await scene.holds(pod);
    await scene.runs(pod);
    await scene.reaches({ ready: 1 });

    await scene.deletes(pod);

    await scene.reaches({ ready: 0, terminating: 1 });
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 1 });
    expect(await scene.allPods()).toHaveLength(1);
    await scene.ends(pod, 143, { conditions: [disruption] });
    const next = await replaced(scene, pod);
    await scene.drained(pod);
    expect((await scene.onlyPod()).metadata.uid).toBe(next.metadata.uid);
    await scene.reaches({ active: 1, terminating: 0 });
    expect(await counts(scene)).toEqual({ active: 1, ready: 0, terminating: 0 });
  });

  it('without one counts a deleted pod as failed before it has ended', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target));
    const pod = await scene.onlyPod();
    await scene.holds(pod);
    await scene.runs(pod);
    await scene.reaches({ ready: 1 });

    await scene.deletes(pod);

    await scene.reaches({ failed: 1, terminating: 1 });
    await scene.drained(pod);
    await scene.reaches({ failed: 1, terminating: 0 });
  });
}

function suspension(makeTarget: MakeTarget): void {
  it('suspended from the start has no pod until it is resumed', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);

    await scene.apply(spec(target, { ...policy, suspend: true }));

    await says(scene, 'Suspended=True JobSuspended');
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 0 });
    expect(await scene.status<Status>()).not.toHaveProperty('startTime');
    expect(await scene.allPods()).toEqual([]);
    await scene.patch({ suspend: false });
    await scene.onlyPod();
    await says(scene, 'Suspended=False JobResumed');
    expect((await scene.status<Status>()).startTime).toMatch(/^\d{4}-/);
  });

  it('loses its pod when it is suspended, and resumed makes one when the old has ended', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target, { ...policy, podReplacementPolicy: 'Failed' }));
    const pod = await scene.onlyPod();
    await scene.holds(pod);
    await scene.runs(pod);
    await scene.reaches({ ready: 1 });

    await scene.patch({ suspend: true });

    await says(scene, 'Suspended=True JobSuspended');
    await scene.reaches({ ready: 0, terminating: 1 });
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 1 });
    expect((await scene.status<Status>()).startTime).toMatch(/^\d{4}-/);
    await scene.patch({ suspend: false });
    await says(scene, 'Suspended=False JobResumed');
    expect(await scene.allPods()).toHaveLength(1);
    await scene.ends(pod, 143, { conditions: [disruption] });
    await scene.drained(pod);
    const next = await scene.onlyPod();
    expect(next.metadata.uid).not.toBe(pod.metadata.uid);
    await scene.reaches({ active: 1, terminating: 0 });
  });

  it('without a policy does not count the pod that its suspension ended', async () => {
    await using target = await makeTarget();
    const scene = new Scene(target, jobType);
    await scene.apply(spec(target));
    const pod = await scene.onlyPod();
    await scene.holds(pod);
    await scene.runs(pod);
    await scene.reaches({ ready: 1 });

    await scene.patch({ suspend: true });

    await says(scene, 'Suspended=True JobSuspended');
    await scene.reaches({ ready: 0, terminating: 1 });
    await scene.drained(pod);
    await scene.reaches({ terminating: 0 });
    expect(await counts(scene)).toEqual({ ready: 0, terminating: 0 });
  });
}

export function jobContract(makeTarget: MakeTarget): void {
  describe.concurrent('a Job', () => {
    outcomes(makeTarget);
    policies(makeTarget);
    suspension(makeTarget);
  });
}
