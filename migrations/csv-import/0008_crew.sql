-- How the workers of an import get on: how long their last chunk and its commit took, what a commit
-- usually takes, and which share of their time they work. Written with the next attempt, at most once
-- a second, and read for the number of workers that are of use; losing all of it loses nothing.
--
-- Idempotent to run again; workers of an older version go on beside it and are not in it.

-- Up Migration

CREATE TABLE IF NOT EXISTS millrace.crew (
  import uuid NOT NULL REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  worker text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  chunk_ms real NOT NULL,
  commit_ms real NOT NULL,
  usual_ms real NOT NULL,
  share real NOT NULL CHECK (share > 0 AND share <= 1),
  PRIMARY KEY (import, worker)
);

-- Down Migration

DROP TABLE IF EXISTS millrace.crew;
