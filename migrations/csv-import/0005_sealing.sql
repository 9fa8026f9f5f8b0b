-- Under which key of the ring a chunk's values were sealed, so that it can be told which keys a table
-- still needs without reading it.
--
-- Idempotent to run again; workers of an older version seal nothing and go on beside it.

-- Up Migration

ALTER TABLE millrace.chunks ADD COLUMN IF NOT EXISTS sealing_key text;

-- Down Migration

ALTER TABLE millrace.chunks DROP COLUMN IF EXISTS sealing_key;
