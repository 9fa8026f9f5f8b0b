/**
 * Where the operator is in its life, and what /readyz says of it.
 *
 * starting → standby → leading → draining; each only forwards. A standby is as ready as a leader: its
 * caches are warm and it acts the moment the Lease is its own, so that a rolling update of two
 * replicas goes on. Caches that may be out of date for two minutes end readiness in either role.
 */
import type { Readiness } from '@millrace/kit/health';

export interface Phase {
  /** What the start waits for, for people. */
  starting(reason: string): void;
  standby(): void;
  leading(): void;
  draining(): void;
  readiness(): Readiness;
}

/** Shorter outages are answered by the back-off of the watches; nothing is gained by a restart. */
const staleMsMax = 2 * 60_000;

type Role = 'starting' | 'standby' | 'leader' | 'draining';

export interface Caches {
  /** Longest time any of them may have been out of date. */
  staleMs(): number;
  /** Which may be, and why. */
  staleTypes(): readonly string[];
}

export interface PhaseOptions {
  readonly caches: Caches;
  /** Told to people and nothing else: a standby is ready whoever holds the Lease. */
  readonly leaseProblem: () => string | undefined;
}

export function phase({ caches, leaseProblem }: PhaseOptions): Phase {
  let role: Role = 'starting';
  let waitingFor = 'The process has just started.';
  const problem = (): string | undefined => {
    if (role === 'starting') return waitingFor;
    if (role === 'draining') return 'Told to stop; work in flight is being finished.';
    const forMs = caches.staleMs();
    if (forMs <= staleMsMax) return undefined;
    return `A cache may have been out of date for ${Math.round(forMs / 1_000)} s.`;
  };
  return {
    starting: (reason) => {
      waitingFor = reason;
    },
    standby: () => {
      if (role === 'starting') role = 'standby';
    },
    leading: () => {
      if (role !== 'draining') role = 'leader';
    },
    draining: () => {
      role = 'draining';
    },
    readiness: () => {
      const reason = problem();
      return {
        ready: reason === undefined,
        role,
        ...(reason === undefined ? {} : { reason }),
        dependencies: {
          kubernetes: dependency(caches.staleTypes().join(', ')),
          lease: dependency(leaseProblem() ?? ''),
        },
      };
    },
  };
}

function dependency(reason: string): { readonly ok: boolean; readonly reason?: string } {
  return reason === '' ? { ok: true } : { ok: false, reason };
}
