-- The ledger of IncrementPipeline: which entries of the streams are in the sums.
--
-- Idempotent to run again: every statement says IF NOT EXISTS. A commit of a worker updates the row of
-- its partition first, so that row is the fence of everything else that the transaction writes.

-- Up Migration

CREATE SCHEMA IF NOT EXISTS millrace;

-- One row a pipeline, by the resource's uid.
CREATE TABLE IF NOT EXISTS millrace.increment_pipelines (
  uid uuid PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  target text NOT NULL,
  -- Whether Millrace made the table, and may therefore drop it with deletionPolicy Purge.
  target_created boolean NOT NULL,
  partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 64),
  -- From when on requests with an Idempotency-Key may still be repeated; the days before it can be
  -- dropped once that is so for every pipeline. Null: this one has no such requests.
  requests_needed_since timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- One row a partition: who reads its stream, and up to where it is in the sums. Increments are counted
-- over all incarnations. The fill factor leaves room for updates in place: every commit is one.
CREATE TABLE IF NOT EXISTS millrace.increment_partitions (
  pipeline uuid NOT NULL REFERENCES millrace.increment_pipelines (uid) ON DELETE CASCADE,
  partition integer NOT NULL,
  -- Part of the stream's name; goes up when Redis has lost data, and the stream begins anew.
  incarnation integer NOT NULL DEFAULT 1,
  -- The last entry whose increments are in the sums.
  last_id text NOT NULL DEFAULT '0-0',
  owner text,
  -- Goes up with every change of the owner: a paused owner that wakes up finds another epoch.
  epoch bigint NOT NULL DEFAULT 0,
  lease_until timestamptz,
  committed bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0,
  dead_letters bigint NOT NULL DEFAULT 0,
  -- Increments that earlier incarnations had accepted when they ended.
  accepted_before bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  committed_at timestamptz,
  PRIMARY KEY (pipeline, partition)
) WITH (fillfactor = 50);

-- Signs of life of gateways and workers; a worker's share of the partitions follows from them.
CREATE TABLE IF NOT EXISTS millrace.increment_members (
  pipeline uuid NOT NULL REFERENCES millrace.increment_pipelines (uid) ON DELETE CASCADE,
  member text NOT NULL,
  role text NOT NULL CHECK (role IN ('gateway', 'worker')),
  seen_at timestamptz NOT NULL DEFAULT now(),
  -- Of a worker since it began: what it has committed, and how long it was busy with it.
  committed bigint NOT NULL DEFAULT 0,
  busy_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (pipeline, member)
) WITH (fillfactor = 50);

-- Requests with an Idempotency-Key that are in the sums, as digests. One partition a day (UTC), made
-- ahead and dropped by the workers, so that forgetting costs no deletes. A request is always routed to
-- the same stream by its digest, whose one owner looks here under the lock of the partition's row:
-- that is why no unique index over all days is needed.
CREATE TABLE IF NOT EXISTS millrace.increment_requests (
  pipeline uuid NOT NULL,
  request bytea NOT NULL,
  payload bytea NOT NULL,
  entry text NOT NULL,
  committed_at timestamptz NOT NULL,
  PRIMARY KEY (pipeline, request, committed_at)
) PARTITION BY RANGE (committed_at);

-- What cannot be added, with its reason; written in the transaction that passes over it.
CREATE TABLE IF NOT EXISTS millrace.increment_dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline uuid NOT NULL REFERENCES millrace.increment_pipelines (uid) ON DELETE CASCADE,
  partition integer NOT NULL,
  incarnation integer NOT NULL,
  entry text NOT NULL,
  reason text NOT NULL
    CHECK (reason IN ('Unparsable', 'UnknownVersion', 'SumOverflow', 'RequestMismatch')),
  increments bigint NOT NULL,
  -- The increments as in an entry, or the whole entry where it could not be read.
  payload bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  replayed_at timestamptz
);
CREATE INDEX IF NOT EXISTS increment_dead_letters_waiting
  ON millrace.increment_dead_letters (pipeline, id) WHERE replayed_at IS NULL;

-- Down Migration

DROP TABLE IF EXISTS millrace.increment_dead_letters;
DROP TABLE IF EXISTS millrace.increment_requests;
DROP TABLE IF EXISTS millrace.increment_members;
DROP TABLE IF EXISTS millrace.increment_partitions;
DROP TABLE IF EXISTS millrace.increment_pipelines;
