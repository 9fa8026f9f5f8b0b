import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { describe, expect, it } from 'vitest';
import { report, usersSpec } from '../../../test/import-cluster.ts';
import { careFor, heldDeployment, heldJob, noChildren, observed } from '../../../test/observed.ts';
import { describe as line, type Plan, type Step } from '../../machinery/step.ts';
import { replicasAnnotation } from '../../machinery/workload/names.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';

function planned(change: Partial<Observed> = {}, spec: CsvImportSpec = usersSpec): Plan {
  const held = observed(change);
  return plan({ care: careFor(spec, held), observed: held, now: 0 });
}

function lines({ steps }: Plan): readonly string[] {
  return steps.map((step) => line(step).replace(/:.*/, ''));
}

function stepsOn(name: string, { steps }: Plan): readonly Step[] {
  return steps.filter(
    (step) => line(step).includes(`/${name}`) && !line(step).includes('Service/'),
  );
}

const all = {
  ...noChildren,
  job: heldJob(),
  worker: heldDeployment('worker', { replicas: 2, ready: 2 }),
  gateway: heldDeployment('gateway', { replicas: 1, ready: 1 }),
};

describe('plan', () => {
  it('makes everything in the order of need', () => {
    expect(lines(planned())).toEqual([
      'apply ConfigMap/users-config',
      'apply Job/users-coordinator',
      'apply Deployment/users-worker',
      'scale Deployment/users-worker to 0',
      'apply Deployment/users-gateway',
      'scale Deployment/users-gateway to 1',
      'apply Service/users-gateway',
    ]);
  });

  it('is the same for the same observations', () => {
    expect(planned({ children: all })).toEqual(planned({ children: all }));
  });

  it('is empty while the resource is being deleted, and without any valid spec', () => {
    const nothing = { steps: [], keep: [] };

    expect(planned({ isDeleting: true })).toEqual(nothing);
    expect(plan({ care: undefined, observed: observed(), now: 0 })).toEqual(nothing);
  });

  it('leaves replicas out of an apply only after the scaler has set them', () => {
    const made = stepsOn('users-worker', planned());
    const before = heldDeployment('worker', { replicas: 0, ready: 0, isHandedOver: false });
    const handed = stepsOn('users-worker', planned({ children: { ...all, worker: before } }));
    const later = stepsOn('users-worker', planned({ children: all, progress: report() }));

    expect(made).toMatchObject([{ object: { spec: { replicas: 0 } } }, { op: 'scale' }]);
    expect(handed).toMatchObject([
      { op: 'scale' },
      { object: { metadata: { annotations: { [replicasAnnotation]: 'true' } } } },
    ]);
    for (const step of [...handed, ...later].filter(({ op }) => op === 'apply')) {
      expect(JSON.stringify(step)).not.toContain('"replicas":');
    }
    expect(later.map(({ op }) => op)).toEqual(['apply']);
  });

  it('keeps caring for the rest while the Secret or the claim is missing', () => {
    const withoutClaim = planned({ claim: () => undefined });

    expect(lines(withoutClaim).filter((step) => !step.startsWith('wait'))).toEqual([
      'apply ConfigMap/users-config',
      'apply Deployment/users-gateway',
      'scale Deployment/users-gateway to 1',
      'apply Service/users-gateway',
    ]);
    expect(withoutClaim.steps.at(-1)?.op).toBe('wait');
  });

  it('replaces the coordinator by its uid and version when its configuration changed', () => {
    const spec = { ...usersSpec, rejects: { maxRows: 5 } };

    const [step] = stepsOn('users-coordinator', planned({ children: all }, spec));

    expect(step).toMatchObject({
      op: 'delete',
      uid: 'uid-of-users-coordinator',
      resourceVersion: '7',
    });
  });

  it('does not start a coordinator beside one that is still ending', () => {
    const ending = {
      uid: 'uid-of-pod',
      name: 'pod',
      jobUid: 'uid-of-the-job-before',
      isReady: true,
      isTerminating: true,
      isDisrupted: false,
      pendingReason: undefined,
      exitCode: undefined,
      report: undefined,
    };

    const steps = lines(planned({ coordinators: [ending] }));

    expect(steps).not.toContain('apply Job/users-coordinator');
    expect(steps.at(-1)).toContain('wait for the previous coordinator to end');
  });

  it('never scales a Deployment that is not its own', () => {
    const worker = heldDeployment('worker', { replicas: 5, ready: 5, isHandedOver: false });
    const foreign = { ...worker, metadata: { ...worker.metadata, ownerReferences: [] } };

    const [first] = stepsOn('users-worker', planned({ children: { ...all, worker: foreign } }));

    // The apply comes first and is refused by act, so that nothing after it happens.
    expect(first?.op).toBe('apply');
  });

  it('never replaces the coordinator of a complete import', () => {
    const spec = { ...usersSpec, serve: { enabled: true, filters: ['first_name'] } };
    const status = {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Complete',
          status: 'True' as const,
          reason: 'Complete',
          message: '',
          lastTransitionTime: '',
          observedGeneration: 1,
        },
      ],
    };

    const made = planned({ children: all, status }, spec);

    expect(stepsOn('users-coordinator', made)).toEqual([]);
    expect(made.keep.map(({ ref }) => ref.name)).toEqual(['users-coordinator']);
    expect(stepsOn('users-worker', made).map(({ op }) => op)).toEqual(['apply', 'scale']);
  });

  for (const [wanted, replicas, reason] of [
    [0, 1, 'spec.workers.min is 1; because'],
    [2, 2, 'because'],
    [99, 3, 'spec.workers.max is 3; because'],
  ] as const) {
    it(`scales to ${replicas} of 1 to 3 workers when ${wanted} are wanted`, () => {
      const spec = { ...usersSpec, workers: { min: 1, max: 3 } };
      const progress = report({ workers: { wanted, why: 'because' } });
      const worker = heldDeployment('worker', { replicas: 9, ready: 0 });

      const steps = stepsOn(
        'users-worker',
        planned({ children: { ...all, worker }, progress }, spec),
      );

      expect(steps.at(-1)).toMatchObject({ op: 'scale', replicas, reason });
    });
  }
});
