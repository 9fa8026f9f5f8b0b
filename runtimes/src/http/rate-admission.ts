/**
 * The rate limit that a resource asks for, over all of its gateways: of each client's requests, or of
 * those that name one key. What is counted, and how, is in rate-limit.ts and rate-store.ts.
 */
import type { Clock } from '@millrace/kit/clock';
import type { RedisCommands } from '../connectors/redis/link.ts';
import { createRateLimit } from './rate-limit.ts';
import { createRateStore } from './rate-store.ts';

export interface RateBound {
  readonly requests: number;
  readonly perMs: number;
  readonly by: 'Client' | 'Key';
}

export interface RateAdmissionOptions {
  readonly bound: RateBound | undefined;
  readonly link: Pick<RedisCommands, 'script'>;
  readonly uid: string;
  readonly clock: Clock;
}

/** At most one of the two is asked for. Both throw 429, or 503 while Redis is away. */
export interface RateAdmission {
  /** Counts a request of who is called so, or of who comes from there if nobody has names. */
  readonly client?: (name: string | undefined, address: string) => Promise<void>;
  /** Counts a request that names this key. */
  readonly key?: (key: string) => Promise<void>;
}

export function createRateAdmission(options: RateAdmissionOptions): RateAdmission {
  const { bound, link, uid, clock } = options;
  if (bound === undefined) return {};
  const { requests, perMs, by } = bound;
  const limit = createRateLimit({ requests, perMs, ...createRateStore({ link, uid }), clock });
  if (by === 'Key') return { key: (key) => limit.admit(key) };
  return {
    // A name has no colon and an address no slash but IPv6's, so neither is taken for the other.
    client: (name, address) =>
      limit.admit(name === undefined ? `address:${address}` : `name:${name}`),
  };
}
