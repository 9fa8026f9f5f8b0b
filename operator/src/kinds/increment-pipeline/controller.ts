/**
 * What wakes an IncrementPipeline: its own changes, those of its children, of the Secret it names, of
 * its pods, and of the progress they report.
 */
import {
  incrementPipelineKind,
  progress as progressSchema,
  type IncrementPipelineProgress,
} from '@millrace/crds/increment-pipeline';
import { Compile } from 'typebox/compile';
import type { ControllerSpec } from '../../machinery/controller.ts';
import type { ControllerContext } from '../../machinery/kind.ts';
import type { Manager } from '../../machinery/manager.ts';
import { ProgressPoller } from '../../machinery/progress-poller.ts';
import { workloadCaches } from '../../machinery/workload/caches.ts';
import { podAddress } from '../../machinery/workload/poll-target.ts';
import { secrets } from '../../machinery/workload/resource-types.ts';
import {
  bySecret,
  secretIndex,
  wakesByReference,
  wakesOfChildren,
} from '../../machinery/workload/wakes.ts';
import type { Caches } from './observe.ts';
import { createReconcile } from './reconcile.ts';
import type { RenderPods } from './rendering.ts';
import { incrementPipelines } from './resource-types.ts';

export interface IncrementPipelineOptions extends ControllerContext {
  /** How pods are made; another version of the operator stands in for this one here. */
  readonly render?: RenderPods;
}

/** Passes are short and wait for the API only; more would just queue there. */
const concurrency = 8;
const progressCheck = Compile(progressSchema);

export function incrementPipelineController(
  manager: Manager,
  options: IncrementPipelineOptions,
): ControllerSpec {
  const { api, clock, telemetry } = manager.options;
  const { slug } = incrementPipelineKind;
  const pipelines = manager.cache(incrementPipelines, { indexes: { [bySecret]: secretIndex } });
  const caches: Caches = { pipelines, ...workloadCaches(manager, options) };
  const progressed = new Set<(key: string) => void>();
  const poller = new ProgressPoller<IncrementPipelineProgress>({
    clock,
    fetch: options.fetch,
    parse: (body) => (progressCheck.Check(body) ? body : undefined),
    onChange: (key) => {
      for (const wake of progressed) wake(key);
    },
    onPolled: (result) => telemetry.polled({ kind: slug, result }),
    limits: options.pollLimits,
  });
  const { writes, fence } = manager;
  return {
    name: slug,
    primary: incrementPipelines,
    concurrency,
    wakes: [
      ...wakesOfChildren(pipelines, incrementPipelines.kind),
      wakesByReference(pipelines, secrets, bySecret),
    ],
    reconcile: createReconcile({
      ...options,
      api,
      clock,
      caches,
      writes,
      fence,
      poller,
      telemetry,
      podAddress: options.podAddress ?? podAddress,
    }),
    background: (signal, enqueue) => {
      progressed.add(enqueue);
      return poller.run(signal);
    },
  };
}
