/**
 * The steps of a warm cache that must be one step for everybody else, as scripts of the Redis server.
 *
 * `generation` is the table's token that every commit of a chunk replaces. `era` is a record of one
 * import, `<generation> <era> <run of the server>`: it says that all that happened to the table up to
 * that generation was written through to the rows kept under that era. Where either differs from what
 * is there, the era is over and its rows are never read again.
 */
import type { RedisScript } from '../../connectors/redis/link.ts';

/** The era that holds, or none. */
const currentEra = `
local function current(keys, run)
  local generation = redis.call('GET', keys[1])
  local record = redis.call('GET', keys[2])
  if not generation or not record then return generation, nil end
  local known, era, itsRun = string.match(record, '^(%S+) (%S+) (%S+)$')
  if known == generation and itsRun == run then return generation, era end
  return generation, nil
end
`;

/**
 * What is kept is counted by windows of one lifetime: a row that is still alive was written in this
 * window or the one before, so their sum is never less than what is there.
 */
const budget = `
local function budget(eraKey, era, ttl, max)
  local time = redis.call('TIME')
  local window = math.floor((time[1] * 1000 + time[2] / 1000) / ttl)
  local name = function(number) return string.format('%s:bytes:%s:%d', eraKey, era, number) end
  local used = tonumber(redis.call('GET', name(window)) or 0)
  local before = tonumber(redis.call('GET', name(window - 1)) or 0)
  local added = 0
  return {
    take = function(bytes)
      if used + before + added + bytes > max then return false end
      added = added + bytes
      return true
    end,
    note = function()
      if added == 0 then return end
      redis.call('INCRBY', name(window), added)
      redis.call('PEXPIRE', name(window), 2 * ttl)
    end,
  }
end
local rowOverhead = 128
local rankLength = 20
`;

/** A commit: continues the era if all before it was written through, else begins one. Returns its name. */
export const linkScript: RedisScript = {
  name: 'warm link',
  lua: `${currentEra}
local generation, era = current(KEYS, ARGV[3])
era = era or ARGV[2]
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. era .. ' ' .. ARGV[3])
return era`,
};

/**
 * Rows of a chunk. An older one that is kept goes in any case; a new one comes only if no other chunk
 * was committed since the rows were read, and while the budget lasts. Returns whether the rows were
 * still the newest, and whether there was room for all.
 */
export const writeScript: RedisScript = {
  name: 'warm write',
  lua: `${currentEra}${budget}
local generation, era = current(KEYS, ARGV[2])
if not era or era ~= ARGV[3] then return {1, 1} end
local isFresh = generation == ARGV[1]
local ttl = tonumber(ARGV[4])
local room = budget(KEYS[2], era, ttl, tonumber(ARGV[5]))
local isRoomy = true
for at = 6, #ARGV, 3 do
  local key = KEYS[2] .. ':' .. era .. ':' .. ARGV[at]
  local rank, body = ARGV[at + 1], ARGV[at + 2]
  local held = redis.call('GETRANGE', key, 0, rankLength - 1)
  if held == '' or held < rank then
    local isKept = false
    if isFresh and body ~= '' then
      isKept = room.take(#key + #body + rowOverhead)
      isRoomy = isRoomy and isKept
    end
    if isKept then redis.call('SET', key, rank .. body, 'PX', ttl)
    elseif held ~= '' then redis.call('UNLINK', key) end
  end
end
room.note()
return {isFresh and 1 or 0, isRoomy and 1 or 0}`,
};

/** A chunk whose rows are all written, or made stale. */
export const settleScript: RedisScript = {
  name: 'warm settle',
  lua: `redis.call('SETBIT', KEYS[1], ARGV[1], 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`,
};

/** Rows for readers: the generation, then each row with its rank, or nothing. */
export const readScript: RedisScript = {
  name: 'warm read',
  lua: `${currentEra}
local generation, era = current(KEYS, ARGV[1])
local reply = {generation or ''}
for at = 2, #ARGV do
  reply[at] = era and redis.call('GET', KEYS[2] .. ':' .. era .. ':' .. ARGV[at]) or ''
end
return reply`,
};

/**
 * A row that a reader found in Postgres: kept only if no chunk was committed since the reader looked,
 * and never in the place of another.
 */
export const fillScript: RedisScript = {
  name: 'warm fill',
  lua: `${currentEra}${budget}
local generation, era = current(KEYS, ARGV[2])
if (generation or '') ~= ARGV[1] then return 0 end
if not generation then
  generation = ARGV[3]
  redis.call('SET', KEYS[1], generation)
end
if not era then
  era = ARGV[4]
  redis.call('SET', KEYS[2], generation .. ' ' .. era .. ' ' .. ARGV[2])
end
local ttl = tonumber(ARGV[5])
local key = KEYS[2] .. ':' .. era .. ':' .. ARGV[7]
if redis.call('EXISTS', key) == 1 then return 0 end
local room = budget(KEYS[2], era, ttl, tonumber(ARGV[6]))
if not room.take(#key + #ARGV[9] + rowOverhead) then return 0 end
redis.call('SET', key, ARGV[8] .. ARGV[9], 'PX', ttl)
room.note()
return 1`,
};
