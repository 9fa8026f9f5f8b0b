/**
 * The pods' configuration file: the spec with every default resolved.
 *
 * Defaults live here and nowhere else, so that the file says exactly what a pod does. Numbers of pods
 * are left out of it: whoever only scales restarts nothing. So is the deletion policy: only the
 * janitor reads it, and is told by a variable, as the policy is at the end.
 */
import type {
  IncrementPipelinePodConfig,
  IncrementPipelineSpec,
} from '@millrace/crds/increment-pipeline';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import { configFileOf, type ConfigFile } from '../../../machinery/workload/config-map.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { podSurroundings } from '../../../machinery/workload/pod-template.ts';
import { rateLimitOf } from '../../../machinery/workload/rate-limit.ts';

export const defaults = {
  durability: 'Fsync',
  partitions: 8,
  flush: { intervalMs: 1_000, maxKeys: 5_000, staleAfterMs: 8_000 },
  streamBytesMax: 256 * 1_024 * 1_024,
  idempotencyKeysMax: 1_000_000,
  gateways: 2,
  workers: { min: 1, max: 4 },
  authMode: 'None',
  deletionPolicy: 'Retain',
} as const;

export function podConfigOf(owner: Owner, spec: IncrementPipelineSpec): IncrementPipelinePodConfig {
  return {
    resource: { uid: owner.uid, namespace: owner.namespace, name: owner.name },
    target: { table: spec.target.table },
    durability: spec.durability ?? defaults.durability,
    durabilityVouched: spec.durabilityVouched ?? false,
    partitions: partitionsOf(spec),
    flush: flushOf(spec),
    streams: { maxBytes: bytes(spec.streams?.maxBytes, defaults.streamBytesMax) },
    ...idempotency(spec),
    ...rateLimitOf(spec.gateway?.rateLimit),
    auth: { mode: spec.gateway?.auth?.mode ?? defaults.authMode },
    deletionPolicy: defaults.deletionPolicy,
    ...podSurroundings,
  };
}

export function configFile(owner: Owner, spec: IncrementPipelineSpec): ConfigFile {
  return configFileOf(podConfigOf(owner, spec));
}

export function partitionsOf(spec: IncrementPipelineSpec): number {
  return spec.partitions ?? defaults.partitions;
}

export function flushOf({ flush }: IncrementPipelineSpec): IncrementPipelinePodConfig['flush'] {
  return {
    intervalMs: milliseconds(flush?.interval, defaults.flush.intervalMs),
    maxKeys: flush?.maxKeys ?? defaults.flush.maxKeys,
    staleAfterMs: milliseconds(flush?.staleAfter, defaults.flush.staleAfterMs),
  };
}

export function workerBounds({ workers }: IncrementPipelineSpec): {
  readonly min: number;
  readonly max: number;
} {
  return { ...defaults.workers, ...workers };
}

export function gatewaysOf({ gateway }: IncrementPipelineSpec): number {
  return gateway?.replicas ?? defaults.gateways;
}

function idempotency({
  idempotency: asked,
}: IncrementPipelineSpec): Pick<IncrementPipelinePodConfig, 'idempotency'> {
  const windowMs = durationMs(asked?.window ?? '');
  if (asked === undefined || windowMs === undefined) return {};
  return { idempotency: { windowMs, maxKeys: asked.maxKeys ?? defaults.idempotencyKeysMax } };
}

function milliseconds(duration: string | undefined, fallback: number): number {
  return (duration === undefined ? undefined : durationMs(duration)) ?? fallback;
}

function bytes(quantity: number | string | undefined, fallback: number): number {
  return (quantity === undefined ? undefined : quantityBytes(quantity)) ?? fallback;
}
