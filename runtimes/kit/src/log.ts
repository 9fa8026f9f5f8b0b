/**
 * Structured logs: JSON lines on standard output, no transports (worker threads lose lines on a
 * crash). The message is a constant, variables are keys. Credentials are redacted by key as a last
 * line of defence; the first is that nobody passes them in.
 */
import { destination, pino, type Logger } from 'pino';
import { Failure } from './failure.ts';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** Keys every line carries: kind, namespace, name, role. */
  readonly bindings: Readonly<Record<string, string>>;
  /** File descriptor; 1 in pods, 2 in commands whose standard output is data. */
  readonly fd?: number;
}

const redactedKeys = ['password', 'url', '*.password', '*.url', 'headers.authorization'];

export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: { ...options.bindings },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedKeys, censor: '[redacted]' },
      serializers: { err: errorSummary },
    },
    destination({ fd: options.fd ?? 1, sync: true }),
  );
}

/**
 * What a log line says of an error. Stacks are kept for faults only: a Transient's stack is noise.
 * Of a foreign cause only class and code are kept, since drivers quote values in their messages.
 */
function errorSummary(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const cause = error.cause instanceof Error ? causeSummary(error.cause) : undefined;
  if (error instanceof Failure && error.family !== 'Fault') {
    return {
      type: error.name,
      code: error.code,
      backend: error.backend,
      message: error.message,
      cause,
    };
  }
  return { type: error.name, message: error.message, stack: error.stack, cause };
}

function causeSummary(cause: Error): object {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return { type: cause.name, code };
}
