/**
 * Whether any operator leads, from its Lease. Without a leader nothing moves, whatever the status
 * says, so this is asked before all else.
 */
import type { KubeApi, KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { duration, timeOf } from '../words.ts';

export interface Leader {
  /** `led`: held and renewed in time. `none`: there is no Lease. `unseen`: no permission to look. */
  readonly state: 'led' | 'expired' | 'released' | 'none' | 'unseen';
  /** `millrace-system/millrace-operator` */
  readonly lease: string | undefined;
  readonly holder: string | undefined;
  readonly renewedMs: number | undefined;
}

const leaseType: ResourceType = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
};

export interface LookOptions {
  readonly name: string;
  /** That of the resource. */
  readonly namespace: string;
  readonly now: number;
}

export async function lookForLeader(api: KubeApi, options: LookOptions): Promise<Leader> {
  const { name, now } = options;
  const leases = await leasesNamed(api, options);
  if (leases === undefined) return { ...nobody, state: 'unseen' };
  // An operator of this namespace alone has its Lease here; others have nothing to say then.
  const own = leases.filter(({ metadata }) => metadata.namespace === options.namespace);
  const found = (own.length > 0 ? own : leases).map((lease) => leaderOf(lease, now));
  const order = ['led', 'expired', 'released'];
  const [best] = found.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return best ?? { ...nobody, state: 'none', lease: name };
}

const nobody = { lease: undefined, holder: undefined, renewedMs: undefined } as const;

async function leasesNamed(
  api: KubeApi,
  { name, namespace }: LookOptions,
): Promise<readonly KubeObject[] | undefined> {
  try {
    const { items } = await api.list(leaseType);
    return items.filter(({ metadata }) => metadata.name === name);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  try {
    const lease = await api.get(leaseType, { namespace, name });
    // Elsewhere there may be one all the same.
    return lease === undefined ? undefined : [lease];
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return undefined;
  }
}

export function isForbidden(error: unknown): boolean {
  return error instanceof KubeFailure && error.reason === 'Forbidden';
}

function leaderOf({ metadata, spec }: KubeObject, now: number): Leader {
  const { holderIdentity, renewTime, leaseDurationSeconds } = (spec ?? {}) as {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
  const lease = `${metadata.namespace}/${metadata.name}`;
  const renewedMs = timeOf(renewTime);
  if (holderIdentity === undefined || holderIdentity === '') {
    return { state: 'released', lease, holder: undefined, renewedMs };
  }
  const isHeld = renewedMs !== undefined && now - renewedMs <= (leaseDurationSeconds ?? 15) * 1_000;
  return { state: isHeld ? 'led' : 'expired', lease, holder: holderIdentity, renewedMs };
}

/** One line for the foot of the page. */
export function leaderLine(leader: Leader, now: number): string {
  const { state, renewedMs } = leader;
  const [holder, lease] = [leader.holder ?? '', leader.lease ?? ''];
  const ago =
    renewedMs === undefined ? 'never renewed' : `renewed ${duration(now - renewedMs)} ago`;
  const lines: Record<Leader['state'], string> = {
    led: `${holder} leads (Lease ${lease}, ${ago}).`,
    expired: `none leads. ${holder} held the Lease ${lease} last (${ago}).`,
    released: `none leads. The Lease ${lease} is held by nobody (${ago}).`,
    none: `there is no Lease ${lease}; it does not run, or runs without leader election.`,
    unseen: 'you may not look at Leases, so whether one leads is not known.',
  };
  return `Operator: ${lines[state]}`;
}
