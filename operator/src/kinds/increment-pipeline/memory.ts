/**
 * What one process remembers of each pipeline beside what is in the API: when it first saw the last
 * gateway gone, and what it last recommended. Losing it costs one more question and nothing else.
 */
import type { IncrementPipelineProgress } from '@millrace/crds/increment-pipeline';
import type { Recommendation } from '@millrace/crds/scaling';
import type { Clock } from '@millrace/kit/clock';
import type { Heard } from '../../machinery/progress-poller.ts';
import type { Recollection } from './observe.ts';

/** Three times the longest period of questions: whoever is silent for longer has not just been slow. */
const lateAfterMs = 30_000;

interface Remembered {
  gatewaysGoneAt: number | undefined;
  recommendation: Recommendation | undefined;
}

export class Memory {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #byUid = new Map<string, Remembered>();
  readonly #uidByKey = new Map<string, string>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  recall(uid: string, heard: Heard<IncrementPipelineProgress> | undefined): Recollection {
    const held = this.#of(uid);
    return {
      heard,
      isLate: heard !== undefined && this.#clock.monotonic() - heard.askedAt > lateAfterMs,
      recommendation: held.recommendation,
      gatewaysGoneAt: (areGone) => {
        held.gatewaysGoneAt = areGone
          ? (held.gatewaysGoneAt ?? this.#clock.monotonic())
          : undefined;
        return held.gatewaysGoneAt;
      },
    };
  }

  keep(key: string, uid: string, recommendation: Recommendation | undefined): void {
    const before = this.#uidByKey.get(key);
    if (before !== undefined && before !== uid) this.#byUid.delete(before);
    this.#uidByKey.set(key, uid);
    this.#of(uid).recommendation = recommendation;
  }

  forget(key: string): void {
    this.#byUid.delete(this.#uidByKey.get(key) ?? '');
    this.#uidByKey.delete(key);
  }

  #of(uid: string): Remembered {
    const held = this.#byUid.get(uid) ?? { gatewaysGoneAt: undefined, recommendation: undefined };
    this.#byUid.set(uid, held);
    return held;
  }
}
