/**
 * Who may use the gateway, and how often: authentication first, then the rate limit, by client for
 * every request or by key for those that name one. The page's own files need neither.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { assert } from '@millrace/kit/fault';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { createAuth, type Caller } from '../../http/auth.ts';
import { createRateAdmission, type RateAdmission } from '../../http/rate-admission.ts';
import type { HttpRequest } from '../../http/server.ts';

export interface Admission {
  /** Undefined where no token is asked for. Throws 401, 429 or 503. */
  caller(request: Pick<HttpRequest, 'headers' | 'client'>): Promise<Caller | undefined>;
  /** Counts a request for a row; throws 429 or 503. */
  readonly key: RateAdmission['key'];
  /** What an administrator should correct about the tokens. */
  problem(): string | undefined;
  /** Where requests are counted, if they are. */
  readonly counter: RequestCounter | undefined;
}

export interface RequestCounter {
  ping(): Promise<void>;
  /** Whether no request is answered while it is away. */
  readonly isForAll: boolean;
}

export interface AdmissionOptions {
  readonly config: Pick<CsvImportPodConfig, 'import' | 'serve'>;
  readonly redis: Pick<RedisStore, 'script' | 'ping'> | undefined;
  readonly tokens?: (() => string | undefined) | undefined;
  readonly clock: Clock;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { config, redis, tokens = () => undefined, clock } = options;
  const { auth: asked, rateLimit: bound } = config.serve;
  const auth = createAuth({ mode: asked?.mode ?? 'None', tokens, clock });
  assert(bound === undefined || redis !== undefined, 'requests are counted in Redis');
  const rate =
    redis === undefined
      ? {}
      : createRateAdmission({ bound, link: redis, uid: config.import.uid, clock });
  return {
    caller: async ({ headers, client }) => {
      const caller = auth.identify(headers);
      if (rate.client !== undefined) await rate.client(caller?.name, client);
      return caller;
    },
    key: rate.key,
    problem: () => auth.problem(),
    counter:
      bound === undefined || redis === undefined
        ? undefined
        : { ping: () => redis.ping(), isForAll: bound.by === 'Client' },
  };
}
