/** Wires the worker. */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { Permanent } from '@millrace/kit/permanent';
import type { ProcessContext, RoleSource } from '../../runtime.ts';

export async function runWorkerRole(
  _config: IncrementPipelinePodConfig,
  _context: ProcessContext & Pick<RoleSource, 'env'>,
  _signal: AbortSignal,
): Promise<number> {
  throw new Permanent('NotWritten', 'The worker of IncrementPipeline is not written.');
}
