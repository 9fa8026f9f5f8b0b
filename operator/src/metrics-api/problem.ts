import { Permanent } from '@millrace/kit/permanent';
import { KubeFailure } from '../machinery/kube-failure.ts';

/** What /readyz says of a failure; messages of others may hold what is nobody's business. */
export function problemOf(failure: unknown): string {
  const isOurs = failure instanceof KubeFailure || failure instanceof Permanent;
  return isOurs ? failure.message : 'A failure of our own; the log has it.';
}
