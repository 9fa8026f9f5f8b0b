/** IncrementPipeline’s door: what the operator and the command line need of it. */
import { incrementPipelineKind } from '@millrace/crds/increment-pipeline';
import type { OperatorKind } from '../../machinery/kind.ts';
import { incrementPipelineController } from './controller.ts';
import { incrementPipelinePreview } from './preview.ts';

export const incrementPipeline: OperatorKind = {
  slug: incrementPipelineKind.slug,
  controller: incrementPipelineController,
  preview: incrementPipelinePreview,
};
