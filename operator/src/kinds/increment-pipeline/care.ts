/** What a pass decided to care for, worked out once: plan, conditions and waits are all made from it. */
import {
  incrementPipelineKind,
  type IncrementPipelineSpec,
} from '@millrace/crds/increment-pipeline';
import { scalingFor, type Scaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { partitionsOf, workerBounds } from './children/config-map.ts';
import { names } from './names.ts';
import type { Observed } from './observed.ts';
import { renderingOf, type Rendering, type RenderPods } from './rendering.ts';
import { workersWanted, type WorkersWanted } from './scaling.ts';
import { stoppingOf, type Stopping } from './stopping.ts';

export interface Care {
  /** The present spec, or the last that was valid. */
  readonly spec: IncrementPipelineSpec;
  /** What its pods are made from. */
  readonly rendering: Rendering;
  readonly stopping: Stopping;
  readonly workers: WorkersWanted;
  /** What brings them about. */
  readonly scaling: Scaling;
}

export interface CareInput {
  /** Undefined when no spec was ever valid: then there is nothing to care for. */
  readonly spec: IncrementPipelineSpec | undefined;
  readonly observed: Observed;
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function careFor({ spec, observed, now, ...how }: CareInput): Care | undefined {
  if (spec === undefined) return undefined;
  const stopping = stoppingOf(spec, observed);
  return {
    spec,
    stopping,
    rendering: renderingOf({ ...how, spec, observed }),
    workers: workersWanted({ spec, observed, stopping, now }),
    scaling: scalingFor({
      kind: incrementPipelineKind,
      names,
      owner: observed.owner,
      asked: spec.scaling,
      bounds: usefulBounds(spec),
      observed: observed.scaling,
    }),
  };
}

/** More workers than partitions have nothing to do, whoever brings them about. */
function usefulBounds(spec: IncrementPipelineSpec): Scaling['bounds'] {
  const { min, max } = workerBounds(spec);
  const useful = Math.min(max, partitionsOf(spec));
  return { min: Math.min(min, useful), max: useful };
}
