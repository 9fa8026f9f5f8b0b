/**
 * The API as a leader may use it: reads pass, a write begins only while the leadership is valid.
 *
 * A write that is in flight when the leadership is lost fails for its caller at once, though the
 * server may still carry it out. What must not happen twice is guarded where it is done, by uid,
 * version and intent; the fence keeps the time short in which two leaders could meet at all.
 */
import { Transient } from '@millrace/kit/transient';
import type { KubeApi } from '../kube-api.ts';
import type { Leadership } from '../leadership.ts';

/** Renewals come every two seconds: by then the leadership is confirmed again, or lost for good. */
const retryAfterMs = 2_000;

export function fencedApi(api: KubeApi, leadership: Leadership): KubeApi {
  const ends = endings(leadership.lost);
  const write = async <T>(begin: () => Promise<T>): Promise<T> => {
    if (!leadership.isValid()) throw notLeading();
    return await ends.unless(begin);
  };
  return {
    get: (type, ref) => api.get(type, ref),
    list: (type, options) => api.list(type, options),
    watch: (type, options) => api.watch(type, options),
    create: (type, object) => write(() => api.create(type, object)),
    apply: (type, object, options) => write(() => api.apply(type, object, options)),
    patch: (type, ref, patch) => write(() => api.patch(type, ref, patch)),
    applyStatus: (type, object, options) => write(() => api.applyStatus(type, object, options)),
    scale: (type, ref, options) => write(() => api.scale(type, ref, options)),
    delete: (type, ref, preconditions) => write(() => api.delete(type, ref, preconditions)),
  };
}

function notLeading(): Transient {
  return new Transient('NotLeading', 'This process does not hold the Lease: nothing was written.', {
    retryAfterMs,
  });
}

/**
 * One listener on the signal for all writes: racing each write against one promise that lasts as
 * long as the process would keep every one of them in memory until it settles.
 */
function endings(lost: AbortSignal) {
  const waiting = new Set<() => void>();
  const endAll = (): void => {
    for (const end of waiting) end();
    waiting.clear();
  };
  lost.addEventListener('abort', endAll, { once: true });
  return {
    async unless<T>(begin: () => Promise<T>): Promise<T> {
      return await new Promise<T>((resolve, reject) => {
        const end = (): void => reject(notLeading());
        waiting.add(end);
        begin()
          .then(resolve, reject)
          .finally(() => waiting.delete(end));
      });
    },
  };
}
