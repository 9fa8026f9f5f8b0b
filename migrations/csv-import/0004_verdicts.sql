-- What verdicts, replays and purges need to know.
--
-- Idempotent to run again; workers of an older version go on beside it.

-- Up Migration

-- Records that lost their key under onConflict Fail: where in the source, and to which record. Each
-- chunk notes the lowest three that lost in its transaction; so the lowest three of all are here,
-- whatever the order of the chunks. `kept` is NULL where the table held the key before the import.
CREATE TABLE IF NOT EXISTS millrace.duplicates (
  import uuid NOT NULL REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  lost bigint NOT NULL,
  kept bigint,
  PRIMARY KEY (import, lost)
);

-- Rejects that were repaired and loaded after all, in the transaction that took them out of the
-- rejects table. `record` is the repaired record as it was loaded, or an envelope of it.
CREATE TABLE IF NOT EXISTS millrace.replays (
  import uuid NOT NULL REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  record_offset bigint NOT NULL,
  chunk integer NOT NULL,
  line bigint,
  reason text NOT NULL,
  superseded boolean NOT NULL,
  record bytea NOT NULL,
  record_sealed boolean NOT NULL DEFAULT false,
  replayed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (import, record_offset)
);

-- The table that Millrace made under this name. One that somebody made anew has another oid.
ALTER TABLE millrace.targets ADD COLUMN IF NOT EXISTS created_oid oid;

-- Down Migration

ALTER TABLE millrace.targets DROP COLUMN IF EXISTS created_oid;
DROP TABLE IF EXISTS millrace.replays;
DROP TABLE IF EXISTS millrace.duplicates;
