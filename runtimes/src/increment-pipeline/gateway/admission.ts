/**
 * Who may use the gateway, and how often: authentication first, then the rate limit, by client for
 * every request or by key for those that name one.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { createAuth } from '../../http/auth.ts';
import { createRateLimit } from '../../http/rate-limit.ts';
import type { HttpRequest } from '../../http/server.ts';
import { itemBytes, keyBytes } from '../stream/entry.ts';
import { createRateStore } from './rate-store.ts';

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
  const { rateLimit: bound } = config;
  const limit =
    bound === undefined
      ? undefined
      : createRateLimit({
          requests: bound.requests,
          perMs: bound.perMs,
          ...createRateStore({ link, uid: config.resource.uid }),
          clock,
        });
  const byClient = bound?.by === 'Client' ? limit : undefined;
  const byKey = bound?.by === 'Key' ? limit : undefined;
  return {
    problem: () => auth.problem(),
    client: (request) => {
      const name = auth.authenticate(request.headers);
      // Without a limit nothing is awaited: this is the way of every request.
      if (byClient === undefined) return name;
      // A name has no colon and an address no slash but IPv6's, so neither is taken for the other.
      const subject = name === undefined ? `address:${request.client}` : `name:${name}`;
      return byClient.admit(subject).then(() => name);
    },
    keys: (items) => {
      if (byKey === undefined) return undefined;
      if (items.length === itemBytes) return byKey.admit(keyText(items, 0));
      const distinct = new Set<string>();
      for (let at = 0; at < items.length; at += itemBytes) distinct.add(keyText(items, at));
      return Promise.all(Array.from(distinct, (key) => byKey.admit(key))).then(() => undefined);
    },
    key: (key) => byKey?.admit(keyText(key, 0)),
  };
}

function keyText(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + keyBytes);
}
