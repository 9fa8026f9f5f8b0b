/** What `main.ts` needs to know of a runtime: its roles, and how each is started. */
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';

export interface ProcessContext {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A role with its configuration read: nothing is connected or listening yet. */
export interface Role {
  readonly logLevel: string;
  readonly graceMs: number;
  /** What every log line and metric of the process says about itself. */
  readonly bindings: Readonly<Record<string, string>>;
  /** Runs to the end and resolves with the exit code. */
  run(context: ProcessContext, signal: AbortSignal): Promise<number>;
}

export interface RoleSource {
  readonly configFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Runtime {
  /** Throws Permanent BadConfiguration. */
  readonly roles: Readonly<Record<string, (source: RoleSource) => Role>>;
}
