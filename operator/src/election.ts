/**
 * How this process comes to lead: by the Lease, or at once when it is said to be the only one.
 *
 * The Lease is where the operator is: in its pod's namespace, else in the first of the namespaces it
 * works in, so that two operators of different namespaces started by hand do not wait for each
 * other, else in that of the kubeconfig's context.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import type { Config } from './config.ts';
import type { Connection } from './kube/connection.ts';
import { soleLeadership } from './machinery/leadership.ts';
import { electLeader, type Elector } from './machinery/leader-election/elector.ts';

export interface ElectionOptions {
  readonly config: Config;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Election extends Pick<Elector, 'campaign' | 'release'> {
  /** Why the Lease could not be read or written lately; undefined when it could. */
  problem(): string | undefined;
}

const alwaysWon: Election = {
  campaign: () => Promise.resolve(soleLeadership()),
  release: () => Promise.resolve(),
  problem: () => undefined,
};

/** Attempts that fail come one a period; after three without one the trouble is over. */
const troublePeriods = 3;

export function election({ config, connection, clock, log }: ElectionOptions): Election {
  const { enabled, name, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = config.leaderElection;
  if (!enabled) return alwaysWon;
  const namespace = leaseNamespace(config, connection);
  const identity = `${hostname()}_${randomUUID()}`;
  let trouble = { why: '', at: Number.NEGATIVE_INFINITY };
  const elector = electLeader({
    connection,
    identity,
    namespace,
    name,
    timings: { leaseDurationMs, renewDeadlineMs, retryPeriodMs },
    onFailure: (why) => {
      // An attempt every two seconds fails for the same reason until somebody does something.
      if (why !== trouble.why) log.warn({ namespace, lease: name, why }, 'the Lease cannot be had');
      trouble = { why, at: clock.monotonic() };
    },
  });
  return {
    campaign: (signal) => {
      log.info({ namespace, lease: name, identity }, 'candidate for the Lease');
      return elector.campaign(signal);
    },
    release: () => elector.release(),
    problem: () => {
      const isOver = clock.monotonic() - trouble.at > troublePeriods * retryPeriodMs;
      return isOver ? undefined : `Lease ${namespace}/${name}: ${trouble.why}`;
    },
  };
}

export function leaseNamespace(
  { leaderElection, namespaces }: Pick<Config, 'leaderElection' | 'namespaces'>,
  { isPod, namespace }: Pick<Connection, 'isPod' | 'namespace'>,
): string {
  if (leaderElection.namespace !== undefined) return leaderElection.namespace;
  return isPod === true ? namespace : (namespaces[0] ?? namespace);
}
