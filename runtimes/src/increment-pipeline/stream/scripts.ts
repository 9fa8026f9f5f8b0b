/**
 * What must happen in Redis as one step. Every script checks all that it needs before it writes
 * anything, so that it is done whole or not at all; and its first line makes Redis itself refuse it
 * before it begins when memory, disk, role or replicas are not as they must be.
 */
import type { RedisScript } from '../../connectors/redis/link.ts';

/**
 * One group of increments, for several streams at once. Streams are never made here: a missing one
 * means that Redis has forgotten, and nothing may be appended before the ledger knows.
 *
 * KEYS accepted, streams …; ARGV for each stream: field, increments, number of entries, entries ….
 * Answers for each stream its ids and how many increments it ever accepted, or only the number of the
 * first stream that is missing.
 */
export const appendScript: RedisScript = {
  name: 'append',
  lua: `#!lua
for s = 2, #KEYS do
  if redis.call('TYPE', KEYS[s]).ok ~= 'stream' then return s - 1 end
end
local answers = {}
local at = 1
for s = 2, #KEYS do
  local last = at + 2 + ARGV[at + 2]
  for e = at + 3, last do
    answers[#answers + 1] = redis.call('XADD', KEYS[s], '*', '1', ARGV[e])
  end
  answers[#answers + 1] = redis.call('HINCRBY', KEYS[1], ARGV[at], ARGV[at + 1])
  at = last + 1
end
return answers
`,
};

/**
 * One request with an Idempotency-Key: its claim and its entry. A claim counts only in the
 * incarnation it was made in: what an earlier one held may be lost, so the request is appended
 * again, and the ledger recognises it if it was committed after all.
 *
 * KEYS accepted, stream, requests, request times; ARGV field, increments, payload, digest, payload
 * digest, prefix of entry names, most claims, time before which claims are forgotten.
 * Answers {kind, entry name, increments ever accepted by the stream}: 0 appended, 1 repeated, 2 another payload, 3 full, 4 stream missing.
 */
export const requestScript: RedisScript = {
  name: 'append request',
  lua: `#!lua
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then return {4, ''} end
local claim = redis.call('HGET', KEYS[3], ARGV[4])
if claim and string.sub(claim, 17, 16 + #ARGV[6]) == ARGV[6] then
  if string.sub(claim, 1, 16) ~= ARGV[5] then return {2, ''} end
  return {1, string.sub(claim, 17)}
end
local function forget(most)
  local old = redis.call('ZRANGE', KEYS[4], '-inf', '(' .. ARGV[8], 'BYSCORE', 'LIMIT', 0, most)
  if #old > 0 then
    redis.call('ZREM', KEYS[4], unpack(old))
    redis.call('HDEL', KEYS[3], unpack(old))
  end
end
forget(8)
local max = tonumber(ARGV[7])
if not claim and redis.call('HLEN', KEYS[3]) >= max then
  forget(1000)
  if redis.call('HLEN', KEYS[3]) >= max then return {3, ''} end
end
local id = redis.call('XADD', KEYS[2], '*', '2', ARGV[3])
local accepted = redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5] .. ARGV[6] .. id)
redis.call('ZADD', KEYS[4], string.match(id, '^%d+'), ARGV[4])
return {0, ARGV[6] .. id, accepted}
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
