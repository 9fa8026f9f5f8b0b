/** What a worker's backends look like to it: told when that changes, and listed for its readiness. */
import type { Failure } from '@millrace/kit/failure';
import type { IncrementTelemetry } from '../telemetry.ts';

export interface Dependencies {
  observed(this: void, backend: string, failure: Failure | undefined): void;
  /** Those that failed last. */
  failing(this: void): Readonly<Record<string, { readonly ok: boolean; readonly reason: string }>>;
}

export function createDependencies(
  telemetry: Pick<IncrementTelemetry, 'dependencyChanged'>,
): Dependencies {
  const codes = new Map<string, string>();
  return {
    observed: (backend, failure) => {
      const reason = failure?.code;
      if (codes.get(backend) === reason) return;
      if (reason === undefined) codes.delete(backend);
      else codes.set(backend, reason);
      telemetry.dependencyChanged({ dependency: backend, ok: reason === undefined, reason });
    },
    failing: () =>
      Object.fromEntries([...codes].map(([backend, reason]) => [backend, { ok: false, reason }])),
  };
}
