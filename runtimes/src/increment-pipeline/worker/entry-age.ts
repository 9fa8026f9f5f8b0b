/**
 * How long ago Redis took an entry, by the clock of Redis itself.
 *
 * A clock that steps must not hide that nothing is committed: an entry is never younger than the time
 * that has passed, on our monotonic clock, since it was first seen here.
 */
import type { Clock } from '@millrace/kit/clock';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { entryTimeMs } from '../stream/entry-id.ts';

/** A reading of the clock of Redis, and when it was taken here. */
export interface RedisTime {
  readonly redisMs: number;
  readonly takenMs: number;
}

export async function readRedisTime(link: RedisCommands, clock: Clock): Promise<RedisTime> {
  const reply = await link.call('Asking for the time', ['TIME']);
  const [seconds, micros] = Array.isArray(reply) ? (reply as readonly unknown[]).map(Number) : [];
  return {
    redisMs: (seconds ?? 0) * 1_000 + Math.floor((micros ?? 0) / 1_000),
    takenMs: clock.monotonic(),
  };
}

export interface EntryAges {
  /** The oldest entry that is not committed, or none. */
  saw(id: string | undefined, time: RedisTime): void;
  /** Age of that entry now; 0 without one. */
  oldestMs(): number;
}

export function createEntryAges(clock: Clock): EntryAges {
  let oldest: { readonly id: string; readonly sinceMs: number } | undefined;
  let last: RedisTime | undefined;
  return {
    saw: (id, time) => {
      last = time;
      if (id === undefined) oldest = undefined;
      else if (oldest?.id !== id) oldest = { id, sinceMs: clock.monotonic() };
    },
    oldestMs: () => {
      if (oldest === undefined || last === undefined) return 0;
      const nowMs = clock.monotonic();
      const byRedis = last.redisMs + (nowMs - last.takenMs) - entryTimeMs(oldest.id);
      return Math.max(0, byRedis, nowMs - oldest.sinceMs);
    },
  };
}
