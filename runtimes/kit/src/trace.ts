/**
 * W3C trace context: parsed from and written to the `traceparent` header of HTTP requests and
 * queue messages. Malformed headers start a new trace, as the recommendation asks.
 */
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const traceparent = /^00-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})$/;

export function newTrace(): TraceContext {
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    sampled: false,
  };
}

/** Continues the trace of the header with a new span, or starts one. */
export function continueTrace(header: unknown): TraceContext {
  const groups = typeof header === 'string' ? traceparent.exec(header)?.groups : undefined;
  const traceId = groups?.['traceId'];
  if (traceId === undefined || /^0+$/.test(traceId)) return newTrace();
  const sampled = (Number.parseInt(groups?.['flags'] ?? '00', 16) & 1) === 1;
  return { traceId, spanId: randomBytes(8).toString('hex'), sampled };
}

export function formatTrace(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}
