/**
 * Counts of rate limits in Redis: one script call counts for every subject that asked while the call
 * before was under way.
 *
 * All subjects of a resource are fields of one hash, which holds one window and is dropped as a whole
 * when the next begins; time is that of Redis, so that gateways need not agree on theirs. The number
 * of fields is bounded: subjects that come after it share counters, which lets them pass less often,
 * never more. A call of unknown fate is not repeated: what it may have counted stays counted.
 */
import { hash } from 'node:crypto';
import { Fault } from '@millrace/kit/fault';
import type { RedisArgument, RedisCommands, RedisScript } from '../connectors/redis/link.ts';
import type { GiveBack, RateWindow, Take, Taken } from './rate-limit.ts';

export interface RateStore {
  readonly take: Take;
  readonly giveBack: GiveBack;
}

export interface RateStoreOptions {
  readonly link: Pick<RedisCommands, 'script'>;
  /** Of the resource whose gateways share the counts. */
  readonly uid: string;
  /** Subjects of one window with a counter of their own; some 80 bytes of Redis each. */
  readonly subjectsMax?: number;
}

interface Asked {
  readonly subject: string;
  readonly window: RateWindow;
  /** Negative: given back. */
  readonly wanted: number;
  readonly of: string;
  readonly settle: (taken: Taken) => void;
  readonly fail: (error: unknown) => void;
}

const subjectsMaxDefault = 250_000;
/** A call blocks Redis for some microseconds per subject. */
const askedPerCallMax = 256;

/**
 * ARGV: window length, most subjects, then per subject: name, bound, wanted, ahead, window given back.
 * Reply: window, milliseconds to its end, then what was granted per subject.
 *
 * A clock that was set back by less than a window goes on with the window that has begun, since a
 * second count of the same window would admit twice. Ahead of need, a sixteenth of what is left is
 * given at most: the tail of a window is handed out one by one.
 */
const takeScript: RedisScript = {
  name: 'rate-take',
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local per = tonumber(ARGV[1])
local window = math.floor(now / per)
local known = tonumber(redis.call('HGET', KEYS[1], 'window') or '-1')
if known ~= window and known ~= window + 1 then
  redis.call('UNLINK', KEYS[1])
  redis.call('HSET', KEYS[1], 'window', string.format('%d', window))
  redis.call('PEXPIRE', KEYS[1], 2 * per + 1000)
  known = window
end
local reply = { string.format('%d', known), (known + 1) * per - now }
for at = 3, #ARGV, 5 do
  local field = ARGV[at]
  local wanted = tonumber(ARGV[at + 2])
  local used = redis.call('HGET', KEYS[1], field)
  if not used and redis.call('HLEN', KEYS[1]) > tonumber(ARGV[2]) then
    field = 'shared:' .. string.sub(field, 1, 2)
    used = redis.call('HGET', KEYS[1], field)
  end
  used = tonumber(used or '0')
  local granted = 0
  if wanted >= 0 then
    local left = math.max(0, tonumber(ARGV[at + 1]) - used)
    granted = math.min(wanted, left)
    granted = granted + math.min(tonumber(ARGV[at + 3]), math.floor((left - granted) / 16))
  elseif ARGV[at + 4] == reply[1] then
    granted = math.max(wanted, -used)
  end
  if granted ~= 0 then redis.call('HINCRBY', KEYS[1], field, string.format('%d', granted)) end
  reply[#reply + 1] = granted
end
return reply
`,
};

export function createRateStore(options: RateStoreOptions): RateStore {
  const queue: Asked[] = [];
  let isCalling = false;

  const callAll = async (): Promise<void> => {
    isCalling = true;
    while (queue.length > 0) {
      const [first] = queue;
      // One window length a call: it is part of the key.
      const others = queue.findIndex(({ window }) => window.perMs !== first?.window.perMs);
      const asked = queue.splice(
        0,
        Math.min(others === -1 ? queue.length : others, askedPerCallMax),
      );
      try {
        settleAll(asked, await call(options, asked));
      } catch (error) {
        for (const { fail } of asked) fail(error);
      }
    }
    isCalling = false;
  };
  const ask = (question: Omit<Asked, 'settle' | 'fail'>): Promise<Taken> =>
    new Promise((settle, fail) => {
      queue.push({ ...question, settle, fail });
      if (!isCalling) void callAll();
    });

  return {
    take: (subject, window, wanted) => ask({ subject, window, wanted, of: '' }),
    giveBack: async (subject, window, tokens) => {
      await ask({ subject, window, wanted: -tokens.count, of: tokens.window ?? '' });
    },
  };
}

async function call(options: RateStoreOptions, asked: readonly Asked[]): Promise<unknown> {
  const perMs = asked[0]?.window.perMs ?? 0;
  const args: RedisArgument[] = [perMs, options.subjectsMax ?? subjectsMaxDefault];
  for (const { subject, window, wanted, of } of asked) {
    args.push(fieldOf(subject), window.requests, wanted, window.ahead, of);
  }
  const keys = [rateKey(options.uid, perMs)];
  return await options.link.script('Counting requests', takeScript, { keys, args });
}

/** A hash: requests by subject in the present window; it expires by itself. */
export function rateKey(uid: string, perMs: number): string {
  return `millrace:{${uid}}:rate:${perMs}`;
}

/** Of one length for every subject, and no address or key of a client in clear. */
function fieldOf(subject: string): Buffer {
  return hash('sha256', subject, 'buffer').subarray(0, 16);
}

function settleAll(asked: readonly Asked[], reply: unknown): void {
  const values = Array.isArray(reply) ? reply.map(String) : [];
  if (values.length !== asked.length + 2) {
    throw new Fault('The rate script replied something else than it was asked.');
  }
  const [window = '', endsInMs = ''] = values;
  for (const [index, { settle }] of asked.entries()) {
    settle({ granted: Number(values[index + 2]), windowEndsInMs: Number(endsInMs), window });
  }
}
