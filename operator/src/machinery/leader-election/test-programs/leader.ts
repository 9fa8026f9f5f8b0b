/**
 * A process that leads: tells its epoch, and stops turning its event loop when told to.
 *
 *     node leader.ts <kubeconfig> <namespace>
 */
import { loadConnection } from '../../../kube/connection.ts';
import { electLeader } from '../elector.ts';

const [, , kubeconfig = '', namespace = ''] = process.argv;
const connection = await loadConnection({ kubeconfig, env: {} });
const elector = electLeader({
  connection,
  namespace,
  name: 'election',
  identity: `process-${process.pid}`,
  timings: { leaseDurationMs: 30_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 },
});
const leadership = await elector.campaign(new AbortController().signal);
process.stdout.write(`leading ${leadership.epoch}\n`);
process.stdin.once('data', () => {
  for (;;);
});
