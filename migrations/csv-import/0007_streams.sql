-- What a source that can be read from its start only needs to be resumed.
--
-- Idempotent to run again; workers of an older version go on beside it, and never see such a source.

-- Up Migration

-- SHA-256 of the chunk's bytes (of a record that is too long, of its beginning), so that whoever reads
-- the stream again notices another content. NULL where the source has versions of its own.
ALTER TABLE millrace.chunks ADD COLUMN IF NOT EXISTS digest bytea;

-- Down Migration

ALTER TABLE millrace.chunks DROP COLUMN IF EXISTS digest;
