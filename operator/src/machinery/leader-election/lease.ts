/**
 * The Lease object as an election needs it, and the port through which it is read and written.
 *
 * A write names the version that it was decided upon, so of two candidates that saw the same Lease
 * exactly one wins; the other gets a Conflict. Times are written for people and tools: nothing here
 * is ever decided by a clock of another machine.
 */
import { microTime } from '../events.ts';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../kube-api.ts';

export const leaseType: ResourceType = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
};

export interface LeaseRecord {
  /** Empty: given up, or never held. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** Milliseconds since the epoch, on the holder's clock. */
  readonly acquiredAt: number;
  readonly renewedAt: number;
  /** How often the Lease has changed hands: the epoch of the leadership. */
  readonly transitions: number;
}

export interface Lease extends LeaseRecord {
  readonly version: string;
}

export interface LeasePort {
  /** Undefined when there is no such Lease. */
  read(): Promise<Lease | undefined>;
  /** Fails with AlreadyExists when somebody was faster. */
  create(record: LeaseRecord): Promise<Lease>;
  /** Fails with Conflict when the Lease is not of that version any more. */
  replace(record: LeaseRecord, version: string): Promise<Lease>;
}

export function leasePort(
  api: Pick<KubeApi, 'get' | 'create' | 'patch'>,
  ref: ObjectRef,
): LeasePort {
  return {
    read: async () => {
      const object = await api.get(leaseType, ref);
      return object === undefined ? undefined : leaseOf(object);
    },
    create: async (record) => {
      const { apiVersion, kind } = leaseType;
      const { namespace, name } = ref;
      const metadata = { namespace, name };
      return leaseOf(
        await api.create(leaseType, { apiVersion, kind, metadata, spec: specOf(record) }),
      );
    },
    replace: async (record, version) =>
      leaseOf(
        await api.patch(leaseType, ref, {
          metadata: { resourceVersion: version },
          spec: specOf(record),
        }),
      ),
  };
}

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

function specOf(record: LeaseRecord): LeaseSpec {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationSeconds,
    acquireTime: microTime(record.acquiredAt),
    renewTime: microTime(record.renewedAt),
    leaseTransitions: record.transitions,
  };
}

function leaseOf({ metadata, spec = {} }: KubeObject): Lease {
  const held = spec as LeaseSpec;
  return {
    holder: held.holderIdentity ?? '',
    durationSeconds: held.leaseDurationSeconds ?? 0,
    acquiredAt: Date.parse(held.acquireTime ?? '') || 0,
    renewedAt: Date.parse(held.renewTime ?? '') || 0,
    transitions: held.leaseTransitions ?? 0,
    version: metadata.resourceVersion ?? '',
  };
}
