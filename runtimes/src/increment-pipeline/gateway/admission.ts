/**
 * Who may use the gateway, and how often: authentication first, then the rate limit, by client for
 * every request or by key for those that name one.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { createAuth } from '../../http/auth.ts';
import { createRateAdmission } from '../../http/rate-admission.ts';
import type { HttpRequest } from '../../http/server.ts';
import { itemBytes, keyBytes } from '../stream/entry.ts';

export interface Admission {
  /** The name of the client where tokens are asked for. Throws 401, 429 or 503. */
  client(request: HttpRequest): string | undefined | Promise<string | undefined>;
  /** Counts each distinct key of the items once. Throws 429 or 503. */
  keys(items: Buffer): void | Promise<void>;
  /** The same for a key alone. */
  key(key: Buffer): void | Promise<void>;
  /** What an administrator should correct about the tokens. */
  problem(): string | undefined;
}

export interface AdmissionOptions {
  readonly config: Pick<IncrementPipelinePodConfig, 'auth' | 'rateLimit' | 'resource'>;
  readonly link: Pick<RedisCommands, 'script'>;
  readonly tokens: () => string | undefined;
  readonly clock: Clock;
}

export function createAdmission({ config, link, tokens, clock }: AdmissionOptions): Admission {
  const auth = createAuth({ mode: config.auth.mode, tokens, clock });
  const rate = createRateAdmission({
    bound: config.rateLimit,
    link,
    uid: config.resource.uid,
    clock,
  });
  return {
    problem: () => auth.problem(),
    client: (request) => {
      const name = auth.authenticate(request.headers);
      // Without a limit nothing is awaited: this is the way of every request.
      return rate.client?.(name, request.client).then(() => name) ?? name;
    },
    keys: (items) => {
      const count = rate.key;
      if (count === undefined) return undefined;
      if (items.length === itemBytes) return count(keyText(items, 0));
      const distinct = new Set<string>();
      for (let at = 0; at < items.length; at += itemBytes) distinct.add(keyText(items, at));
      return Promise.all(Array.from(distinct, count)).then(() => undefined);
    },
    key: (key) => rate.key?.(keyText(key, 0)),
  };
}

function keyText(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + keyBytes);
}
