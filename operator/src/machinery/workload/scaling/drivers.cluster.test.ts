/**
 * What only a real server and its HPA loop show: which fields of an autoscaler it keeps, what becomes
 * of the replicas while somebody else may set them, and that nothing is written once all is as asked.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import type {
  IncrementPipelineProgress,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import { expect, it } from 'vitest';
import { externalMetrics } from '../../../../test/api-services.ts';
import { importNamed, prerequisites } from '../../../../test/import-namespace.ts';
import { report } from '../../../../test/import-world.ts';
import { OperatorStage } from '../../../../test/operator-stage.ts';
import { pipelineNamed } from '../../../../test/pipeline-namespace.ts';
import { backlog, pipelineReport } from '../../../../test/pipeline-world.ts';
import { describeOnCluster, realNamespace } from '../../../../test/real-cluster.ts';
import { incrementPipelines } from '../../../kinds/increment-pipeline/resource-types.ts';
import type { KubeObject } from '../../kube-api.ts';
import { autoscalers } from '../resource-types.ts';
import { hasTolerance } from './autoscalers.ts';

interface Autoscaler {
  readonly spec: {
    readonly minReplicas: number;
    readonly maxReplicas: number;
    readonly metrics: readonly object[];
  };
}

class Stage<Progress extends object> extends OperatorStage<Progress> {
  async hpa(name: string): Promise<KubeObject & Autoscaler> {
    const read = () => this.read(autoscalers, name);
    return (await this.untilFound(read, `the autoscaler ${name}`)) as KubeObject & Autoscaler;
  }

  async untilScaled(name: string, replicas: number): Promise<void> {
    const isScaled = async () => (await this.replicas(name)) === replicas;
    await this.untilTrue(isScaled, `${replicas} of ${name}`);
  }

  async pipelineStatus(name: string): Promise<IncrementPipelineStatus | undefined> {
    const held = await this.read(incrementPipelines, name);
    return held?.['status'] as IncrementPipelineStatus | undefined;
  }
}

describeOnCluster('an autoscaler on a real API server', () => {
  it('is made for a pipeline, kept as it was asked for, and left alone', async () => {
    await using stage = new Stage<IncrementPipelineProgress>(await realNamespace());
    stage.apiServices = [externalMetrics('Millrace')];
    await prerequisites(stage.cluster);
    await pipelineNamed('views', stage.cluster);
    await stage.startOperator();

    const held = await stage.hpa('views-worker');
    await stage.untilScaled('views-worker', 2);
    await stage.settle();
    stage.written.length = 0;
    await stage.touch([[autoscalers, 'views-worker']]);
    await stage.settle();

    expect(hasTolerance(held), 'served since 1.35').toBe(true);
    expect(held.spec).toMatchObject({ minReplicas: 2, maxReplicas: 8 });
    expect(held.spec.metrics).toMatchObject([
      {
        external: {
          metric: {
            name: 'millrace-workers-needed',
            selector: {
              matchLabels: {
                'millrace.dev/kind': 'IncrementPipeline',
                'millrace.dev/name': 'views',
              },
            },
          },
          target: { type: 'AverageValue', averageValue: '1' },
        },
      },
    ]);
    expect(stage.written).toEqual([]);
  });

  it('is told how many workers are needed, and has the replicas to itself', async () => {
    await using stage = new Stage<IncrementPipelineProgress>(await realNamespace());
    stage.apiServices = [externalMetrics('Millrace')];
    await prerequisites(stage.cluster);
    await pipelineNamed('views', stage.cluster);
    await stage.startOperator();
    await stage.untilScaled('views-worker', 2);

    stage.progress = pipelineReport({
      backlog: backlog(10_000),
      rates: { acceptedPerSecond: 100, committedPerSecond: 100, perWorkerPerSecond: 100 },
    });
    await stage.runPodOf('worker');
    const told = await stage.untilFound(async () => {
      const scaling = (await stage.pipelineStatus('views'))?.scaling;
      return scaling?.needed === '8000m' ? scaling : undefined;
    }, 'eight workers to be needed');
    await stage.settle();
    expect(told.driver).toBe('HPA');
    expect(await stage.replicas('views-worker'), 'there is no metric: it is left alone').toBe(2);

    await stage.cluster.kubectl(['scale', 'deployment/views-worker', '--replicas=5']);
    await stage.settle();
    expect(await stage.replicas('views-worker')).toBe(5);

    const patch = JSON.stringify({ spec: { scaling: { driver: 'Direct' } } });
    await stage.cluster.kubectl(['patch', 'incp', 'views', '--type=merge', '-p', patch]);
    await stage.untilScaled('views-worker', 8);
    expect(await stage.read(autoscalers, 'views-worker'), 'it went first').toBeUndefined();
  });

  it('comes back when it is deleted by hand, and goes for good with a suspension', async () => {
    await using stage = new Stage<CsvImportProgress>(await realNamespace());
    stage.apiServices = [externalMetrics('Millrace')];
    await prerequisites(stage.cluster);
    await importNamed('users', stage.cluster);
    await stage.startOperator();
    const { metadata } = await stage.hpa('users-worker');
    stage.progress = report({ workers: { wanted: 3, why: '3 chunks' } });
    await stage.runPodOf('coordinator');
    await stage.untilScaled('users-worker', 1);

    await stage.cluster.kubectl(['delete', 'hpa', 'users-worker']);
    const isBack = async () => {
      const held = await stage.read(autoscalers, 'users-worker');
      return held !== undefined && held.metadata.uid !== metadata.uid;
    };
    await stage.untilTrue(isBack, 'the autoscaler to come back');

    const patch = JSON.stringify({ spec: { suspend: true } });
    await stage.cluster.kubectl(['patch', 'csvi', 'users', '--type=merge', '-p', patch]);
    await stage.untilScaled('users-worker', 0);
    const isGone = async () => (await stage.read(autoscalers, 'users-worker')) === undefined;
    await stage.untilTrue(isGone, 'the autoscaler to go');
  });
});
