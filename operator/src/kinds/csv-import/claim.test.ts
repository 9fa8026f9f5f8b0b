import { describe, expect, it } from 'vitest';
import { ImportCluster, namespace, report, usersSpec } from '../../../test/import-cluster.ts';
import { careFor, observed } from '../../../test/observed.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { deployments, jobs } from '../../machinery/workload/resource-types.ts';
import { claimFacts, claimState, claimTrouble, trimClaim, type ClaimFacts } from './claim.ts';
import { claims } from './resource-types.ts';
import { workersWanted } from './scaling.ts';

function claimOf(parts: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name: 'data', ...metadata },
    ...parts,
  };
}

const bound: ClaimFacts = { phase: 'Bound', accessModes: ['ReadOnlyMany'], isDeleting: false };

/** Of the pods of a Job or Deployment. */
function affinityIn(object: KubeObject | undefined): unknown {
  const { spec } = (object ?? {}) as { readonly spec?: { readonly template: unknown } };
  return spec === undefined ? undefined : affinityOf(spec.template);
}

function affinityOf(template: unknown): unknown {
  return (template as { readonly spec: { readonly affinity?: unknown } }).spec.affinity;
}

describe('a volume claim', () => {
  it('keeps in the cache what matters of it, and the modes of its volume before those asked for', () => {
    const asked = claimOf({ spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv' } });
    const given = claimOf(
      {
        spec: { accessModes: ['ReadWriteOnce'] },
        status: { phase: 'Bound', accessModes: ['ReadWriteMany'] },
      },
      { deletionTimestamp: '2026-11-21T10:00:00Z' },
    );

    expect(claimFacts(asked)).toEqual({
      phase: undefined,
      accessModes: ['ReadWriteOnce'],
      isDeleting: false,
    });
    for (const seen of [given, trimClaim(given)]) {
      expect(claimFacts(seen)).toEqual({
        phase: 'Bound',
        accessModes: ['ReadWriteMany'],
        isDeleting: true,
      });
    }
    expect(trimClaim(asked)).not.toHaveProperty('spec');
  });

  it.each<[string, ClaimFacts | undefined]>([
    ['ClaimNotFound', undefined],
    ['ClaimTerminating', { ...bound, isDeleting: true }],
    ['ClaimLost', { ...bound, phase: 'Lost' }],
    ['ClaimForOnePod', { ...bound, accessModes: ['ReadWriteOncePod'] }],
  ])('that no pod can use is said to be so, with what to do: %s', (reason, claim) => {
    const trouble = claimTrouble(usersSpec, () => claim);

    expect(trouble).toMatchObject({ reason, object: 'PersistentVolumeClaim/data' });
    expect(trouble?.message).toMatch(/PersistentVolumeClaim data .* new CsvImport/);
  });

  it('that pods can use is none, also while it waits for them', () => {
    const pending = { ...bound, phase: 'Pending' };
    const modes = ['ReadWriteOnce'];

    for (const claim of [bound, pending, { ...bound, accessModes: [] }]) {
      expect(claimTrouble(usersSpec, () => claim)).toBeUndefined();
    }
    expect(
      claimTrouble({ ...usersSpec, source: { s3: { bucket: 'b', key: 'k' } } }, () => undefined),
    ).toBeUndefined();
    expect(claimState('data', pending)).toMatchObject({
      status: 'Unknown',
      reason: 'ClaimPending',
    });
    expect(claimState('data', { ...bound, accessModes: modes })).toMatchObject({
      status: 'True',
      reason: 'ClaimForOneNode',
    });
    expect(claimState('data', bound)).toMatchObject({ status: 'True', reason: 'ClaimFound' });
  });

  it('for one node puts all pods that read it on one, and leaves others alone', () => {
    const oneNode = observed({ claim: () => ({ ...bound, accessModes: ['ReadWriteOnce'] }) });

    const { coordinator, worker, gateway } = careFor(usersSpec, oneNode).rendering.templates;
    const spread = careFor(usersSpec).rendering.templates;

    expect(affinityOf(coordinator)).toEqual({
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: {
              matchLabels: expect.objectContaining({
                'millrace.dev/uid': 'uid-of-users',
              }) as object,
              matchExpressions: [
                {
                  key: 'app.kubernetes.io/component',
                  operator: 'In',
                  values: ['coordinator', 'worker'],
                },
              ],
            },
          },
        ],
      },
    });
    expect(affinityOf(worker)).toEqual(affinityOf(coordinator));
    expect(affinityOf(gateway)).toBeUndefined();
    expect(affinityOf(spread.worker)).toBeUndefined();
  });

  it('is followed as it changes, and pods that are there stay as they are', async () => {
    await using cluster = await ImportCluster.create({ hasClaim: false });
    await cluster.api.create(claims, claimOf({ spec: { accessModes: ['ReadWriteOnce'] } }));
    await cluster.settle();
    const job = await cluster.read(jobs, 'users-coordinator');

    await cluster.setStatus(claims, 'data', { phase: 'Lost', accessModes: ['ReadOnlyMany'] });
    await cluster.settle();

    expect(affinityIn(job)).toBeDefined();
    expect(await cluster.condition('SourceReady')).toMatchObject({
      status: 'False',
      reason: 'ClaimLost',
    });
    const worker = await cluster.read(deployments, 'users-worker');
    expect(affinityIn(worker)).toBeDefined();
    expect((await cluster.read(jobs, 'users-coordinator'))?.metadata.uid).toBe(job?.metadata.uid);
  });
});

describe('a source that is read from its start', () => {
  it('gets no workers, whatever the least number is, and says why', () => {
    const why = 'the source is compressed with gzip';
    const progress = { ...report(), sequential: why };
    const spec = { ...usersSpec, workers: { min: 2, max: 4 } };

    const wanted = workersWanted({
      spec,
      observed: observed({ progress, isRemembered: false }),
      outcome: { state: 'Running', crashes: 0 },
    });

    expect(wanted).toEqual({ replicas: 0, reason: why, isGuess: false, isToRest: true });
  });
});
