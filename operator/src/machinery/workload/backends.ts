/** What a report of a pod says about its backends, as one cause for conditions. Pure. */
import type { BackendState } from '@millrace/crds/conditions';
import type { Claim } from '../conditions.ts';
import type { Waited } from '../waiting.ts';
import type { Cause } from './settling.ts';

/** Undefined backends: nobody has reported any. */
export function backendsDown(backends: readonly BackendState[] | undefined): Cause | undefined {
  const down = (backends ?? []).filter(({ ok }) => !ok);
  if (down.length === 0) return undefined;
  const [first] = down;
  const messages = down.map(({ name, reason, message, since }) => {
    const when = since === undefined ? '' : ` since ${since}`;
    const why = message === undefined ? '' : `: ${message}`;
    return `${name}: ${reason ?? 'Unavailable'}${when}${why}`;
  });
  const isSame = down.every(({ reason }) => reason === first?.reason);
  return {
    reason: (isSame ? first?.reason : undefined) ?? 'BackendsUnavailable',
    message: `${messages.join(' ')} Work goes on by itself when it is back.`,
  };
}

/** One wait for each backend that is away. */
export function backendsAwaited(
  backends: readonly BackendState[],
  object: string,
): readonly Waited[] {
  return backends
    .filter(({ ok }) => !ok)
    .map(({ name, since }) => ({ what: `${name} to answer`, object, since }));
}

/** The condition that every kind has of its backends. */
export function backendsReady(
  missing: Cause | undefined,
  backends: readonly BackendState[] | undefined,
): Claim {
  const type = 'BackendsReady';
  if (missing !== undefined) {
    return { type, status: 'False', reason: missing.reason, message: missing.message };
  }
  if (backends === undefined) {
    return { type, status: 'Unknown', reason: 'NotReported', message: 'No pod has reported yet.' };
  }
  const down = backendsDown(backends);
  if (down !== undefined) return { type, status: 'False', ...down };
  return { type, status: 'True', reason: 'Connected', message: 'All backends answer.' };
}
