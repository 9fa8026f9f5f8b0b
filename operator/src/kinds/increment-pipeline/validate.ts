/**
 * Judges a spec by what the schema cannot say: what its CEL rules say is repeated here, since a
 * resource may have been stored before a rule existed. Pure: a chain of small checks, each naming the
 * field and the remedy; the first that objects decides.
 */
import { spec as specSchema, type IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import { rateLimitProblem } from '../../machinery/workload/rate-limit.ts';
import { judge, type Check } from '../../machinery/workload/spec-choice.ts';
import { flushOf, partitionsOf, workerBounds } from './children/config-map.ts';

const checks: readonly Check<IncrementPipelineSpec>[] = [
  flushInterval,
  staleAfter,
  intervalBelowStaleAfter,
  streamBytes,
  idempotencyWindow,
  rateLimitPeriod,
  workerNumbers,
  workersOfUse,
];

export const validate = judge(specSchema, checks);

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

function flushInterval({ flush }: IncrementPipelineSpec): string | undefined {
  const limit = { min: 100, max: 5 * second, range: 'from 100ms to 5s, such as 1s' };
  return lasting('flush.interval', flush?.interval, limit);
}

function staleAfter({ flush }: IncrementPipelineSpec): string | undefined {
  const limit = { min: second, max: 10 * minute, range: 'from 1s to 10m, such as 8s' };
  return lasting('flush.staleAfter', flush?.staleAfter, limit);
}

function intervalBelowStaleAfter(spec: IncrementPipelineSpec): string | undefined {
  const { intervalMs, staleAfterMs } = flushOf(spec);
  if (intervalMs < staleAfterMs) return undefined;
  return 'spec.flush.interval, 1s if left out, must be less than spec.flush.staleAfter, 8s if left out: lower one or raise the other.';
}

function idempotencyWindow({ idempotency }: IncrementPipelineSpec): string | undefined {
  const limit = { min: minute, max: 168 * hour, range: 'from 1m to 168h, such as 24h' };
  return lasting('idempotency.window', idempotency?.window, limit);
}

function rateLimitPeriod({ gateway }: IncrementPipelineSpec): string | undefined {
  return rateLimitProblem('gateway.rateLimit', gateway?.rateLimit);
}

function lasting(
  field: string,
  duration: string | undefined,
  limit: { readonly min: number; readonly max: number; readonly range: string },
): string | undefined {
  if (duration === undefined) return undefined;
  const ms = durationMs(duration);
  if (ms !== undefined && ms >= limit.min && ms <= limit.max) return undefined;
  return `spec.${field} must be a duration ${limit.range}.`;
}

const mib = 1_024 * 1_024;

function streamBytes({ streams }: IncrementPipelineSpec): string | undefined {
  if (streams?.maxBytes === undefined) return undefined;
  const size = quantityBytes(streams.maxBytes);
  if (size !== undefined && size >= mib && size <= 64 * 1_024 * mib) return undefined;
  return 'spec.streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi.';
}

function workerNumbers(spec: IncrementPipelineSpec): string | undefined {
  const { min, max } = workerBounds(spec);
  if (min <= max) return undefined;
  return `spec.workers.min (${min}) is greater than spec.workers.max (${max}): lower one or raise the other.`;
}

function workersOfUse(spec: IncrementPipelineSpec): string | undefined {
  const { min } = workerBounds(spec);
  const partitions = partitionsOf(spec);
  if (min <= partitions) return undefined;
  return `spec.workers.min (${min}) is greater than spec.partitions (${partitions}), and more workers have nothing to do: lower it.`;
}
