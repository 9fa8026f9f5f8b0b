-- Which queue announces an import's chunks. A broker that was killed can come back with a queue that
-- takes messages and never confirms or delivers one; the import then moves on to the next number.
--
-- Idempotent to run again.

-- Up Migration

ALTER TABLE millrace.plans ADD COLUMN IF NOT EXISTS queue integer NOT NULL DEFAULT 1;

-- Down Migration

ALTER TABLE millrace.plans DROP COLUMN IF EXISTS queue;
