/**
 * How this process comes to lead: by the Lease, or at once when it is said to be the only one.
 *
 * The Lease is where the operator is: in its pod's namespace, else in the first of the namespaces it
 * works in, so that two operators of different namespaces started by hand do not wait for each
 * other, else in that of the kubeconfig's context.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Log } from '@millrace/kit/log';
import type { Config } from './config.ts';
import type { Connection } from './kube/connection.ts';
import { soleLeadership } from './machinery/leadership.ts';
import { electLeader, type Elector } from './machinery/leader-election/elector.ts';

export interface ElectionOptions {
  readonly config: Config;
  readonly connection: Connection;
  readonly log: Log;
}

export type Election = Pick<Elector, 'campaign' | 'release'>;

const alwaysWon: Election = {
  campaign: () => Promise.resolve(soleLeadership),
  release: () => Promise.resolve(),
};

export function election({ config, connection, log }: ElectionOptions): Election {
  const { enabled, name, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = config.leaderElection;
  if (!enabled) return alwaysWon;
  const namespace = leaseNamespace(config, connection);
  const identity = `${hostname()}_${randomUUID()}`;
  log.info({ namespace, lease: name, identity }, 'candidate for the Lease');
  let said = '';
  return electLeader({
    connection,
    identity,
    namespace,
    name,
    timings: { leaseDurationMs, renewDeadlineMs, retryPeriodMs },
    onFailure: (why) => {
      // An attempt every two seconds fails for the same reason until somebody does something.
      if (why !== said) log.warn({ namespace, lease: name, why }, 'the Lease cannot be had');
      said = why;
    },
  });
}

export function leaseNamespace(
  { leaderElection, namespaces }: Pick<Config, 'leaderElection' | 'namespaces'>,
  { isPod, namespace }: Pick<Connection, 'isPod' | 'namespace'>,
): string {
  if (leaderElection.namespace !== undefined) return leaderElection.namespace;
  return isPod === true ? namespace : (namespaces[0] ?? namespace);
}
