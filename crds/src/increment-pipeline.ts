/**
 * IncrementPipeline: the contract between its users, the operator and its pods. The door of the folder of the
 * same name, which holds the spec, the status, the pods' configuration and the progress they report.
 */
import { defineKind } from './define-kind.ts';
import { printerColumns } from './printer-columns.ts';
import { spec } from './increment-pipeline/spec.ts';
import { status } from './increment-pipeline/status.ts';

export { podConfig, type IncrementPipelinePodConfig } from './increment-pipeline/pod-config.ts';
export {
  progress,
  totals,
  type IncrementPipelineProgress,
  type IncrementTotals,
} from './increment-pipeline/progress.ts';
export { spec, type IncrementPipelineSpec } from './increment-pipeline/spec.ts';
export { status, type IncrementPipelineStatus } from './increment-pipeline/status.ts';

export const incrementPipelineKind = defineKind({
  kind: 'IncrementPipeline',
  plural: 'incrementpipelines',
  singular: 'incrementpipeline',
  shortName: 'incp',
  slug: 'increment-pipeline',
  description:
    'Takes increments over HTTP and keeps their sums by key in Postgres; what it has accepted is stored exactly once.',
  spec,
  status,
  printerColumns: printerColumns([
    {
      name: 'Workers',
      type: 'integer',
      jsonPath: '.status.workers.ready',
      description: 'Ready workers.',
    },
    {
      name: 'Wanted',
      type: 'integer',
      jsonPath: '.status.workers.wanted',
      description: 'Workers wanted now.',
    },
    {
      name: 'Accepted',
      type: 'integer',
      jsonPath: '.status.totals.accepted',
      description: 'Increments accepted.',
    },
    {
      name: 'Backlog',
      type: 'integer',
      jsonPath: '.status.progress.backlog.increments',
      description: 'Increments that wait to be committed.',
    },
    {
      name: 'Stale',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Stale")].status',
      description: 'Whether sums are older than asked.',
    },
  ]),
  selectableFields: ['.spec.backends.secretName', '.spec.target.table'],
});
