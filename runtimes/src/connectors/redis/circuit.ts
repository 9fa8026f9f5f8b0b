/**
 * Decides whether a server that keeps failing is asked at all.
 *
 * A frozen Redis accepts commands and answers none: without this, every request would wait for the
 * command's time limit before it went to Postgres. Closed → after `failuresMax` failures in a row →
 * open: refused at once for `openMs` → half-open: one caller asks, the others are still refused; its
 * success closes the circuit, its failure opens it again.
 */
import type { Clock } from '@millrace/kit/clock';

export interface Circuit {
  /** False: do not ask. A caller that was told true must report how it went. */
  allows(): boolean;
  succeeded(): void;
  failed(): void;
}

export interface CircuitOptions {
  readonly clock: Clock;
  readonly failuresMax: number;
  readonly openMs: number;
}

export function createCircuit({ clock, failuresMax, openMs }: CircuitOptions): Circuit {
  let failures = 0;
  let openUntil = Number.NEGATIVE_INFINITY;
  return {
    allows: () => {
      if (failures < failuresMax) return true;
      if (clock.monotonic() < openUntil) return false;
      // The next caller is refused again until this one has reported or another period is over.
      openUntil = clock.monotonic() + openMs;
      return true;
    },
    succeeded: () => {
      failures = 0;
    },
    failed: () => {
      failures += 1;
      if (failures >= failuresMax) openUntil = clock.monotonic() + openMs;
    },
  };
}
