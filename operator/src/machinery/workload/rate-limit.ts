/** The bound on requests of a gateway, as its pods are told. Pure. */
import type { PodRateLimit, RateLimit } from '@millrace/crds/http';
import { durationMs } from '@millrace/crds/schema';

/** Left out where nobody asks for it, so that pods of resources without it stay as they are. */
export function rateLimitOf(asked: RateLimit | undefined): { readonly rateLimit?: PodRateLimit } {
  const perMs = durationMs(asked?.per ?? '');
  if (asked === undefined || perMs === undefined) return {};
  return { rateLimit: { requests: asked.requests, perMs, by: asked.by ?? 'Client' } };
}

const secondMs = 1_000;
const hourMs = 3_600_000;

/** What the schema's rule says, of a resource that was stored before it existed. */
export function rateLimitProblem(field: string, asked: RateLimit | undefined): string | undefined {
  if (asked === undefined) return undefined;
  const ms = durationMs(asked.per);
  if (ms !== undefined && ms >= secondMs && ms <= hourMs) return undefined;
  return `spec.${field}.per must be a duration from 1s to 1h, such as 1m.`;
}
