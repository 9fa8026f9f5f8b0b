-- The ledger of CsvImport: the only truth about what was planned and what was loaded.
--
-- Idempotent to run again: every statement says IF NOT EXISTS. Rows that move often (plans, targets)
-- are apart from millrace.imports, because each chunk's transaction holds that row FOR SHARE: an
-- update of it would wait for every worker, and workers that overlap could make it wait for ever.

-- Up Migration

CREATE SCHEMA IF NOT EXISTS millrace;

-- Who writes a table now. The holder proves life by changing `beat`; a taker must have watched the
-- same beat for a minute of its own clock. `next_seq` orders imports by when they took the table.
CREATE TABLE IF NOT EXISTS millrace.targets (
  target_table text PRIMARY KEY,
  next_seq bigint NOT NULL DEFAULT 1,
  holder uuid,
  beat bigint NOT NULL DEFAULT 0,
  heartbeat_at timestamptz
);

-- One row an import, by the resource's uid. Everything that a restart must find unchanged is pinned
-- here once: source identity, dialect, header, columns, chunk size, and whether the table was empty.
CREATE TABLE IF NOT EXISTS millrace.imports (
  uid uuid PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  target text NOT NULL REFERENCES millrace.targets (target_table),
  -- High bits of every position this import writes; absent until it first held the target.
  seq bigint CHECK (seq BETWEEN 1 AND 1048575),
  state text NOT NULL DEFAULT 'Planning'
    CHECK (state IN ('Planning', 'Loading', 'Verifying', 'Complete', 'Failed', 'Lost')),
  reason text,
  message text,
  source jsonb,
  dialect jsonb,
  header jsonb,
  columns jsonb,
  chunk_bytes bigint NOT NULL,
  target_was_empty boolean,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  UNIQUE (target, seq)
);

-- How far the source is cut. `stopping` asks workers to claim nothing more, before the state changes.
CREATE TABLE IF NOT EXISTS millrace.plans (
  import uuid PRIMARY KEY REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  planned_to bigint NOT NULL DEFAULT 0,
  next_line bigint NOT NULL DEFAULT 1,
  -- Comments and blank lines before the data, which no chunk counts.
  comments bigint NOT NULL DEFAULT 0,
  blank bigint NOT NULL DEFAULT 0,
  chunks integer NOT NULL DEFAULT 0,
  plan_complete boolean NOT NULL DEFAULT false,
  stopping boolean NOT NULL DEFAULT false
);

-- One row a chunk, in file order. `done_at` is set by the first statement of the transaction that
-- loads the chunk, so its row lock is the sign of life of whoever works on it.
CREATE TABLE IF NOT EXISTS millrace.chunks (
  import uuid NOT NULL REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  chunk integer NOT NULL,
  "offset" bigint NOT NULL,
  length bigint NOT NULL CHECK (length > 0),
  first_line bigint NOT NULL,
  -- One record that is longer than maxRecordBytes: rejected without holding it in memory.
  too_long boolean NOT NULL DEFAULT false,
  done_at timestamptz,
  worker text,
  path text,
  read bigint NOT NULL DEFAULT 0,
  rejected bigint NOT NULL DEFAULT 0,
  superseded bigint NOT NULL DEFAULT 0,
  comments bigint NOT NULL DEFAULT 0,
  blank bigint NOT NULL DEFAULT 0,
  reasons jsonb,
  PRIMARY KEY (import, chunk)
);
CREATE INDEX IF NOT EXISTS chunks_todo ON millrace.chunks (import, chunk) WHERE done_at IS NULL;

-- One row each time a worker takes a chunk; written outside the chunk's transaction, so that it
-- stays when the worker dies. An attempt without an end was never heard of again.
CREATE TABLE IF NOT EXISTS millrace.attempts (
  attempt bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import uuid NOT NULL REFERENCES millrace.imports (uid) ON DELETE CASCADE,
  chunk integer NOT NULL,
  worker text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  outcome text
);
CREATE INDEX IF NOT EXISTS attempts_chunk ON millrace.attempts (import, chunk);

-- Down Migration

DROP TABLE IF EXISTS millrace.attempts;
DROP TABLE IF EXISTS millrace.chunks;
DROP TABLE IF EXISTS millrace.plans;
DROP TABLE IF EXISTS millrace.imports;
DROP TABLE IF EXISTS millrace.targets;
