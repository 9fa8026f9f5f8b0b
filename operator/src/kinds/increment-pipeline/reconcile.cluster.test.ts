/**
 * What only a real server has: defaults it writes into children, controllers that own Deployments and
 * Jobs with us, finalizers that hold a deletion, and a garbage collector. There is no kubelet: a pod
 * runs when the test writes its status.
 */
import type {
  IncrementPipelineProgress,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import { expect, it } from 'vitest';
import { prerequisites } from '../../../test/import-namespace.ts';
import { containerStatus, OperatorStage } from '../../../test/operator-stage.ts';
import {
  pipelineChildren,
  pipelineChildrenOf,
  pipelineNamed,
} from '../../../test/pipeline-namespace.ts';
import { backlog, pipelineReport } from '../../../test/pipeline-world.ts';
import { describeOnCluster, realNamespace } from '../../../test/real-cluster.ts';
import {
  configMaps,
  deployments,
  jobs,
  pods,
  services,
} from '../../machinery/workload/resource-types.ts';
import { drainFinalizer } from './names.ts';
import { incrementPipelines } from './resource-types.ts';

const name = 'views';

class Stage extends OperatorStage<IncrementPipelineProgress> {
  static async create(): Promise<Stage> {
    const stage = new Stage(await realNamespace());
    await prerequisites(stage.cluster);
    await stage.startOperator();
    await pipelineNamed(name, stage.cluster);
    await pipelineChildrenOf(name, stage.cluster);
    return stage;
  }

  async draining(): Promise<string | undefined> {
    const resource = await this.read(incrementPipelines, name);
    const status = resource?.['status'] as IncrementPipelineStatus | undefined;
    return status?.conditions?.find(({ type }) => type === 'Draining')?.reason;
  }

  async untilScaled(role: 'gateway' | 'worker', replicas: number): Promise<void> {
    const isScaled = async () => (await this.replicas(`${name}-${role}`)) === replicas;
    await this.untilTrue(isScaled, `${replicas} of the ${role}s`);
  }

  async untilDraining(reason: string): Promise<void> {
    await this.untilTrue(async () => (await this.draining()) === reason, `Draining for ${reason}`);
  }
}

describeOnCluster('an IncrementPipeline on a real API server', () => {
  it('is made once, and a second operator finds nothing to write', async () => {
    await using stage = await Stage.create();
    await stage.untilScaled('worker', 2);
    await stage.settle();
    expect(stage.written.filter((line) => line.startsWith('apply ')).length).toBeGreaterThan(3);

    await stage.stopOperator();
    stage.written.length = 0;
    await stage.startOperator();
    await stage.settle();
    await stage.touch(pipelineChildren(name));
    await stage.settle();

    expect(stage.written).toEqual([]);
  });

  it('is held until nothing is in flight and its janitor has ended, and leaves nothing behind', async () => {
    await using stage = await Stage.create();
    await stage.untilScaled('worker', 2);
    const held = await stage.read(incrementPipelines, name);
    expect(held?.metadata.finalizers).toEqual([drainFinalizer]);
    stage.progress = pipelineReport({
      backlog: backlog(3),
      members: { gateways: 0, workers: 2 },
    });
    await stage.runPodOf('worker');
    const { api, namespace } = stage.cluster;

    await api.delete(incrementPipelines, { namespace, name });
    await stage.untilScaled('gateway', 0);
    await stage.untilDraining('Emptying');
    expect(await stage.replicas(`${name}-worker`)).toBeGreaterThan(0);
    stage.progress = pipelineReport({ members: { gateways: 0, workers: 2 } });
    await stage.untilScaled('worker', 0);
    const janitor = await stage.runPodOf('janitor');
    await stage.untilDraining('CleaningUp');
    await stage.setPodStatus(janitor, {
      phase: 'Succeeded',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [containerStatus('janitor', { terminated: { exitCode: 0 } })],
    });

    const isGone = async () => (await stage.read(incrementPipelines, name)) === undefined;
    await stage.untilTrue(isGone, 'the pipeline to go');
    await stage.untilCollected(name, [configMaps, jobs, deployments, services, pods]);
    const intended = stage.written.filter((line) => line === `patch IncrementPipeline/${name}`);
    expect(intended, 'held once, and let go once').toHaveLength(2);
  });
});
