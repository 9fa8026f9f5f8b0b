/**
 * The two questions that an extension of the API asks the API server: whose token is this, and may
 * they do that. Answers are kept for seconds: a token for 10, a permission for 30, a refusal for 10,
 * because being let in a little late is noticed sooner than being kept out. Keys are hashes, so that
 * no token stays in memory.
 *
 * Over connections of its own, few and impatient: whoever waits here is a request of somebody else.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@millrace/kit/clock';
import type { Connection } from '../../kube/connection.ts';
import { defaultLimits } from '../../kube/limits.ts';
import { Transport, type ApiCallEvents } from '../../kube/transport.ts';
import { ExpiringCache } from './expiring-cache.ts';
import type { User } from './user.ts';

export type Action =
  | {
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly namespace: string;
      readonly name?: string;
    }
  | { readonly verb: string; readonly path: string };

export interface Reviews {
  /** Undefined for a token that the API server does not know. */
  userOf(token: string): Promise<User | undefined>;
  isAllowed(user: User, action: Action): Promise<boolean>;
}

/** Sends one review and resolves to the status of the answer. */
export type Ask = (review: Review) => Promise<unknown>;

export interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly spec: object;
}

const tokenMs = 10_000;
const allowedMs = 30_000;
const refusedMs = 10_000;
/** Some hundred bytes each. A cluster has a handful of callers; this is for those who make some up. */
const entriesMax = 1_024;

export function createReviews(ask: Ask, clock: Clock): Reviews {
  const users = new ExpiringCache<User | undefined>(clock, entriesMax);
  const decisions = new ExpiringCache<boolean>(clock, entriesMax);
  return {
    userOf: async (token) =>
      await users.get(hash(token), async () => {
        const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' };
        const status = await ask({ ...review, plural: 'tokenreviews', spec: { token } });
        return { value: userIn(status), keepMs: tokenMs };
      }),
    isAllowed: async (user, action) => {
      const spec = accessSpec(user, action);
      return await decisions.get(hash(JSON.stringify(spec)), async () => {
        const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' };
        const status = await ask({ ...review, plural: 'subjectaccessreviews', spec });
        const { allowed, denied } = (status ?? {}) as Readonly<Record<string, unknown>>;
        const value = allowed === true && denied !== true;
        return { value, keepMs: value ? allowedMs : refusedMs };
      });
    },
  };
}

export interface AskOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly events: ApiCallEvents;
}

export interface Asker {
  readonly ask: Ask;
  close(): Promise<void>;
}

export function askApiServer({ connection, clock, events }: AskOptions): Asker {
  const limits = { ...defaultLimits, connectionsMax: 8, attemptMs: 4_000, callMs: 6_000 };
  const transport = new Transport({ connection, clock, events, limits });
  return {
    ask: async ({ plural, ...review }) => {
      const path = `/apis/${review.apiVersion}/${plural}`;
      const answer = await transport.request({
        verb: 'create',
        plural,
        method: 'POST',
        path,
        body: review,
      });
      return ((answer ?? {}) as { readonly status?: unknown }).status;
    },
    close: async () => await transport.close(),
  };
}

function accessSpec({ username, uid, groups, extra }: User, action: Action): object {
  const { verb } = action;
  const attributes =
    'path' in action
      ? { nonResourceAttributes: { path: action.path, verb } }
      : { resourceAttributes: action };
  return { user: username, ...(uid === undefined ? {} : { uid }), groups, extra, ...attributes };
}

interface TokenStatus {
  readonly authenticated?: unknown;
  readonly user?: Partial<User> | null;
}

function userIn(status: unknown): User | undefined {
  const { authenticated, user } = (status ?? {}) as TokenStatus;
  const { username, uid, groups, extra } = user ?? {};
  if (authenticated !== true || username === undefined || username === '') return undefined;
  const identity = uid === undefined || uid === '' ? {} : { uid };
  return { username, ...identity, groups: groups ?? [], extra: extra ?? {} };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
