/** What a pass decided to care for, worked out once: plan, conditions and waits are all made from it. */
import { csvImportKind, type CsvImportSpec } from '@millrace/crds/csv-import';
import { scalingFor, type Scaling } from '../../machinery/workload/scaling/resource-scaling.ts';
import { workerBounds } from './children/config-map.ts';
import { names } from './names.ts';
import type { Observed } from './observed.ts';
import { purgingOf, type Purging } from './purging.ts';
import { renderingOf, type Rendering, type RenderPods } from './rendering.ts';

export interface Care {
  /** The present spec, or the last that was valid. */
  readonly spec: CsvImportSpec;
  /** What its pods are made from. */
  readonly rendering: Rendering;
  /** Of this operator, whatever image the rendering has. */
  readonly image: string;
  readonly purging: Purging;
  /** What brings the workers about. */
  readonly scaling: Scaling;
}

export interface CareInput {
  /** Undefined when no spec was ever valid: then there is nothing to care for. */
  readonly spec: CsvImportSpec | undefined;
  readonly observed: Observed;
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
}

export function careFor({ spec, observed, ...how }: CareInput): Care | undefined {
  if (spec === undefined) return undefined;
  return {
    spec,
    image: how.image,
    purging: purgingOf(spec, observed),
    rendering: renderingOf({ ...how, spec, observed }),
    scaling: scalingFor({
      kind: csvImportKind,
      names,
      owner: observed.owner,
      asked: spec.scaling,
      bounds: workerBounds(spec),
      observed: observed.scaling,
    }),
  };
}
