/**
 * The one way to write `status.waiting`: one entry for each thing waited for, most pressing first.
 * An entry that was there before is kept as it is, so that "since when" stays true and a status is
 * written only when something else is waited for.
 */
import type { Waiting } from '@millrace/crds/operator-notes';
import { clip } from './clip.ts';

/** One thing waited for, without the bookkeeping. Holds no number that moves. */
export interface Waited {
  readonly what: string;
  /** The object it hangs on, as Kind/name. */
  readonly object?: string | undefined;
  /** RFC 3339, where somebody else knows since when. */
  readonly since?: string | undefined;
  readonly retrySeconds?: number | undefined;
}

export interface WaitingContext {
  readonly previous: readonly Waiting[] | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** A refusal is cured by a person, perhaps in an object that nobody watches for us. */
export const refusalRetrySeconds = 30;

const waitingMax = 8;
const whatCharactersMax = 512;

export function waiting(waits: readonly Waited[], { previous, now }: WaitingContext): Waiting[] {
  const found = new Map<string, Waiting>();
  for (const wait of waits) {
    const what = clip(wait.what, whatCharactersMax);
    if (found.has(what)) continue;
    const held = previous?.find((it) => it.what === what && it.object === wait.object);
    found.set(what, held ?? begun({ ...wait, what }, now));
  }
  return [...found.values()].slice(0, waitingMax);
}

function begun({ what, object, since, retrySeconds }: Waited, now: string): Waiting {
  return {
    what,
    ...(object === undefined ? {} : { object }),
    since: since ?? now,
    ...(retrySeconds === undefined ? {} : { retrySeconds: Math.max(1, Math.ceil(retrySeconds)) }),
  };
}
