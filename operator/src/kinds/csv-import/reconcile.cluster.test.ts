/**
 * What only a real server has: defaults it writes into children, controllers that own Deployments and
 * Jobs with us, pods of theirs, and a garbage collector. There is no kubelet: a coordinator runs when
 * the test writes the status of its pod.
 */
import type { CsvImportProgress, CsvImportStatus } from '@millrace/crds/csv-import';
import { expect, it } from 'vitest';
import { childrenOf, importNamed, prerequisites } from '../../../test/import-namespace.ts';
import { report } from '../../../test/import-world.ts';
import { containerStatus, OperatorStage } from '../../../test/operator-stage.ts';
import { describeOnCluster, realNamespace } from '../../../test/real-cluster.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { jobFacts } from '../../machinery/workload/job.ts';
import { purgeFinalizer } from './names.ts';
import { csvImports } from './resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  pods,
  services,
} from '../../machinery/workload/resource-types.ts';

class Stage extends OperatorStage<CsvImportProgress> {
  static async create(): Promise<Stage> {
    const stage = new Stage(await realNamespace());
    await prerequisites(stage.cluster);
    await stage.startOperator();
    await importNamed('users', stage.cluster);
    await childrenOf('users', stage.cluster);
    return stage;
  }

  async status(): Promise<CsvImportStatus | undefined> {
    return (await this.read(csvImports, 'users'))?.['status'] as CsvImportStatus | undefined;
  }

  async changeSpec(spec: object): Promise<void> {
    const { api, namespace } = this.cluster;
    await api.patch(csvImports, { namespace, name: 'users' }, { spec });
  }
}

describeOnCluster('a CsvImport on a real API server', () => {
  it('is made once, and a second operator finds nothing to write', async () => {
    await using stage = await Stage.create();
    await stage.settle();
    expect(stage.written.filter((line) => line.startsWith('apply ')).length).toBeGreaterThan(4);

    await stage.stopOperator();
    stage.written.length = 0;
    await stage.startOperator();
    await stage.settle();
    await stage.touch([
      [configMaps, 'users-config'],
      [jobs, 'users-coordinator'],
      [deployments, 'users-worker'],
      [deployments, 'users-gateway'],
      [services, 'users-gateway'],
    ]);
    await stage.settle();

    expect(stage.written).toEqual([]);
  });

  it('hands replicas to the scaler, suspends, resumes and rolls a change out', async () => {
    await using stage = await Stage.create();
    stage.progress = report();
    await stage.runPodOf('coordinator');
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 2, '2 workers');
    await stage.settle();
    const worker = await stage.read(deployments, 'users-worker');
    expect(managersOf(worker, 'f:replicas')).toEqual(['millrace-csv-import-scale']);

    await stage.changeSpec({ suspend: true });
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 0, 'no workers');
    await stage.untilTrue(
      async () => reasonOf(await stage.status(), 'Suspended') === 'Suspended',
      'the import to be suspended',
    );
    expect(await stage.read(jobs, 'users-coordinator')).toMatchObject({ spec: { suspend: true } });

    await stage.changeSpec({ suspend: false });
    await stage.runPodOf('coordinator');
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 2, '2 workers');
    const before = await stage.read(jobs, 'users-coordinator');
    await stage.changeSpec({ rejects: { maxRows: 7 } });
    const made = await stage.untilFound(async () => {
      const job = await stage.read(jobs, 'users-coordinator');
      return job?.metadata.uid === before?.metadata.uid ? undefined : job;
    }, 'the Job to be made anew');
    await stage.settle();

    expect(made.metadata.uid).not.toBe(before?.metadata.uid);
    expect(stage.written.filter((line) => line === 'delete Job/users-coordinator')).toHaveLength(1);
    expect(await stage.status()).toMatchObject({
      intent: {
        step: expect.stringContaining('delete Job/users-coordinator') as unknown,
        uid: before?.metadata.uid,
      },
    });
  });

  it('says what the pod of the coordinator lacks, and is Complete by its last words', async () => {
    await using stage = await Stage.create();
    const stuck = await stage.untilFound(async () => {
      const status = await stage.status();
      return reasonOf(status, 'Ready') === 'CoordinatorPending' ? status : undefined;
    }, 'the import to tell of its pending pod');
    const pod = await stage.runPodOf('coordinator');
    expect(stuck.waiting).toEqual([
      expect.objectContaining({
        what: 'the coordinator’s pod to run: Unschedulable',
        object: `Pod/${pod.metadata.name}`,
      }),
    ]);

    const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
    const message = JSON.stringify(report({ state: 'Complete', totals }));
    await stage.setPodStatus(pod, {
      phase: 'Succeeded',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [containerStatus('coordinator', { terminated: { exitCode: 0, message } })],
    });
    await stage.untilTrue(
      async () => reasonOf(await stage.status(), 'Complete') === 'Complete',
      'the import to be complete',
    );

    expect(await stage.status()).toMatchObject({ totals, percent: 100 });
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 0, 'no workers');
  });

  it('is held until everything has stopped and its janitor has ended, if its data goes too', async () => {
    await using stage = await Stage.create();
    stage.progress = report();
    await stage.runPodOf('coordinator');
    await stage.untilTrue(async () => (await stage.replicas('users-worker')) === 2, '2 workers');
    await stage.changeSpec({ deletionPolicy: 'Purge' });
    const isHeld = async () =>
      (await stage.read(csvImports, 'users'))?.metadata.finalizers?.includes(purgeFinalizer) ===
      true;
    await stage.untilTrue(isHeld, 'the import to be held');
    const { api, namespace } = stage.cluster;

    await api.delete(csvImports, { namespace, name: 'users' });
    const janitor = await stage.runPodOf('janitor');
    expect(await stage.replicas('users-worker')).toBe(0);
    const coordinator = await stage.read(jobs, 'users-coordinator');
    expect(jobFacts(coordinator as KubeObject).isSuspensionSeen).toBe(true);
    expect(await isHeld()).toBe(true);
    await stage.setPodStatus(janitor, {
      phase: 'Succeeded',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [containerStatus('janitor', { terminated: { exitCode: 0 } })],
    });

    const isGone = async () => (await stage.read(csvImports, 'users')) === undefined;
    await stage.untilTrue(isGone, 'the import to go');
    await stage.untilCollected('users', [configMaps, jobs, deployments, services, pods]);
  });

  it('leaves nothing behind when it is deleted', async () => {
    await using stage = await Stage.create();
    await stage.untilFound(() => stage.podOf('coordinator'), 'the pod of the coordinator');
    const { api, namespace } = stage.cluster;

    await api.delete(csvImports, { namespace, name: 'users' });

    await stage.untilCollected('users', [configMaps, jobs, deployments, services, pods]);
    expect(await stage.read(csvImports, 'users')).toBeUndefined();
  });
});

function reasonOf(status: CsvImportStatus | undefined, type: string): string | undefined {
  return status?.conditions?.find((condition) => condition.type === type)?.reason;
}

interface Managed {
  readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1?: object }[];
}

function managersOf(object: KubeObject | undefined, field: string): readonly string[] {
  const { managedFields = [] } = (object?.metadata ?? {}) as Managed;
  return managedFields
    .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1 ?? {}).includes(`"${field}"`))
    .map(({ manager }) => manager)
    .filter((manager) => manager.startsWith('millrace'));
}
