/** Wires the gateway. */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { Permanent } from '@millrace/kit/permanent';
import type { ProcessContext, RoleSource } from '../../runtime.ts';

export async function runGatewayRole(
  _config: IncrementPipelinePodConfig,
  _context: ProcessContext & Pick<RoleSource, 'env'>,
  _signal: AbortSignal,
): Promise<number> {
  throw new Permanent('NotWritten', 'The gateway of IncrementPipeline is not written.');
}
