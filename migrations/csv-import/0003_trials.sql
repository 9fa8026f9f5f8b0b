-- Which records an attempt took, when a chunk that workers died with is tried by parts: the records
-- from `from_record` up to but not including `to_record`, by their number in the chunk. Attempts of
-- whole chunks by ordinary workers have neither. What a trial died of is its outcome.
--
-- Idempotent to run again; workers of an older version go on beside it.

-- Up Migration

ALTER TABLE millrace.attempts
  ADD COLUMN IF NOT EXISTS from_record integer,
  ADD COLUMN IF NOT EXISTS to_record integer;

-- Down Migration

ALTER TABLE millrace.attempts DROP COLUMN IF EXISTS from_record, DROP COLUMN IF EXISTS to_record;
