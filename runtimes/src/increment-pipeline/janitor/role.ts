/** Wires the janitor. */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { Permanent } from '@millrace/kit/permanent';
import type { ProcessContext, RoleSource } from '../../runtime.ts';

export async function runJanitorRole(
  _config: IncrementPipelinePodConfig,
  _context: ProcessContext & Pick<RoleSource, 'env'>,
  _signal: AbortSignal,
): Promise<number> {
  throw new Permanent('NotWritten', 'The janitor of IncrementPipeline is not written.');
}
