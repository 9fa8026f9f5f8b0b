/**
 * What must happen in Redis as one step. Every script checks all that it needs before it writes
 * anything, so that it is done whole or not at all; and its first line makes Redis itself refuse it
 * before it begins when memory, disk, role or replicas are not as they must be.
 */
import type { RedisScript } from '../../connectors/redis/link.ts';
import { itemBytes } from './entry.ts';

/**
 * One group of increments, for several streams at once. Streams are never made here: a missing one
 * means that Redis has forgotten, and nothing may be appended before the ledger knows.
 *
 * KEYS accepted, streams …; ARGV for each stream the number of its entries, then each entry behind its
 * length, all packed into one (see append-call.ts). A stream's field in `accepted` is what its key has
 * behind the hash tag. Answers for each stream its ids and how many increments it ever accepted, as one
 * line; or only the number of the first stream that is missing.
 */
export const appendScript: RedisScript = {
  name: 'append',
  lua: `#!lua
for s = 2, #KEYS do
  if redis.call('TYPE', KEYS[s]).ok ~= 'stream' then return s - 1 end
end
local packed, at, answers = ARGV[1], 1, {}
for s = 2, #KEYS do
  local entries, bytes
  local increments = 0
  entries, at = struct.unpack('>I4', packed, at)
  for _ = 1, entries do
    bytes, at = struct.unpack('>I4', packed, at)
    local entry = string.sub(packed, at, at + bytes - 1)
    answers[#answers + 1] = redis.call('XADD', KEYS[s], '*', '1', entry)
    increments = increments + bytes / ${itemBytes}
    at = at + bytes
  end
  local field = string.match(KEYS[s], '}:(.*)$')
  answers[#answers + 1] = string.format('%.0f', redis.call('HINCRBY', KEYS[1], field, increments))
end
return table.concat(answers, ' ')
`,
};

/**
 * Requests with an Idempotency-Key, each with its claim and its entry. A claim counts only in the
 * incarnation it was made in: what an earlier one held may be lost, so the request is appended again,
 * and the ledger recognises it if it was committed after all. Claims that are old enough are forgotten,
 * a few more than are made.
 *
 * KEYS accepted, requests, request times, streams …; ARGV most claims, time before which they are
 * forgotten; for each stream its field and the prefix of its entries' names; for each request the
 * number of its stream and its entry. Answers for each request a kind and the entry's name: 0 appended,
 * 1 repeated, 2 another payload, 3 full; then for each stream how many increments it ever accepted, 0
 * when nothing was appended to it. Or only the number of the first stream that is missing.
 */
export const requestsScript: RedisScript = {
  name: 'append requests',
  lua: `#!lua
local streams = #KEYS - 3
for s = 1, streams do
  if redis.call('TYPE', KEYS[3 + s]).ok ~= 'stream' then return s end
end
local function forget(most)
  local old = redis.call('ZRANGE', KEYS[3], '-inf', '(' .. ARGV[2], 'BYSCORE', 'LIMIT', 0, most)
  if #old > 0 then
    redis.call('ZREM', KEYS[3], unpack(old))
    redis.call('HDEL', KEYS[2], unpack(old))
  end
  return tonumber(ARGV[1]) - redis.call('HLEN', KEYS[2])
end
local room = forget(math.min(1000, #ARGV))
local added, answers = {}, {}
for at = 3 + 2 * streams, #ARGV, 2 do
  local s = tonumber(ARGV[at])
  local prefix, entry = ARGV[2 + 2 * s], ARGV[at + 1]
  local digest, payload = string.sub(entry, 1, 16), string.sub(entry, 17, 32)
  local claim = redis.call('HGET', KEYS[2], digest)
  local kind, name = 0, ''
  if claim and string.sub(claim, 17, 16 + #prefix) == prefix then
    if string.sub(claim, 1, 16) == payload then
      kind, name = 1, string.sub(claim, 17)
    else
      kind = 2
    end
  else
    if not claim and room <= 0 then room = forget(1000) end
    if not claim and room <= 0 then
      kind = 3
    else
      local id = redis.call('XADD', KEYS[3 + s], '*', '2', entry)
      name = prefix .. id
      redis.call('HSET', KEYS[2], digest, payload .. name)
      redis.call('ZADD', KEYS[3], string.match(id, '^%d+'), digest)
      if not claim then room = room - 1 end
      added[s] = (added[s] or 0) + (#entry - 32) / 24
    end
  end
  answers[#answers + 1] = kind
  answers[#answers + 1] = name
end
for s = 1, streams do
  answers[#answers + 1] = added[s] and redis.call('HINCRBY', KEYS[1], ARGV[1 + 2 * s], added[s]) or 0
end
return answers
`,
};

/** Makes an empty stream unless it is there. KEYS stream. */
export const makeStreamScript: RedisScript = {
  name: 'make stream',
  lua: `#!lua
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XGROUP', 'CREATE', KEYS[1], 'none', '0', 'MKSTREAM')
redis.call('XGROUP', 'DESTROY', KEYS[1], 'none')
return 1
`,
};

/**
 * Ends a stream, unless it holds what is not committed: from then on every append to it is refused.
 * It comes before the ledger's step to a new incarnation, so that nothing is accepted in between
 * and then dropped. KEYS stream; ARGV the last id that is committed. Answers 1 when it is gone.
 */
export const endStreamScript: RedisScript = {
  name: 'end stream',
  lua: `#!lua
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return 1 end
if kind == 'stream' and #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', 1) > 0 then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
`,
};

/** Writes nothing, and is refused whenever a script that writes would be. */
export const askScript: RedisScript = {
  name: 'ask for writes',
  lua: `#!lua
return 1
`,
};
