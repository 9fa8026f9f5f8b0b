/**
 * Seals every value of a table again under the active key, beside readers and loaders.
 *
 * Guarantees: a value is always under one key or the other, and opens with a ring that has both; what
 * is under the active key is left alone, so it can be stopped and started again at any point; a row
 * that a loader writes meanwhile is the loader's. Keys that the ledger names as in use are given up
 * only for chunks that were committed before a pass began which then found nothing under them. It ends
 * when no value and no chunk needs another key, or after a number of passes, telling which key is
 * still needed: some worker then still seals with it.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { sealingKeysInUse } from '../../chunks/sealing-keys.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import { isOtherSql, resealBlocks } from './batch.ts';
import { replaysRelation, sealedRelations, type SealedRelation } from './relation.ts';

export interface ResealOptions {
  readonly config: Pick<CsvImportPodConfig, 'columns' | 'target'>;
  /** With the owner's rights: the working role may not change rejects. */
  readonly owner: Database;
  readonly keys: KeyRingReader;
  readonly clock: Clock;
  /** Told after each batch. */
  readonly progressed?: (progress: ResealProgress) => void;
  /** Looked at between batches. */
  readonly signal?: AbortSignal;
  /** Tests make it small. */
  readonly blocksAtOnce?: number;
}

export interface ResealProgress {
  readonly rows: number;
  readonly doneBlocks: number;
  readonly blocks: number;
}

export interface ResealReport {
  /** The key that everything is under now, or was to be. */
  readonly active: string;
  /** Rows of the table, and of its rejects and replays, that were sealed again. */
  readonly rows: number;
  readonly rejects: number;
  /** Other keys that are still needed; none after success. */
  readonly stillInUse: readonly string[];
}

/** About two thousand rows: a tenth of a second of locks. */
const blocksDefault = 32;
const passesMax = 10;
/** For those who hold locks, or have not heard of the new key yet. */
const waitMs = 1_000;
/** One statement looks at the whole table. */
const scanLimits = { statementTimeoutMs: 3_600_000 };
const chunksTable = 'pg_temp.millrace_reseal';

export async function resealTable(options: ResealOptions): Promise<ResealReport> {
  const { config, owner, keys, clock, signal } = options;
  const active = keys.current().active.id;
  const counts = { Target: 0, Rejects: 0, Replays: 0 };
  let stillInUse: readonly string[] = [];
  for (let pass = 0; pass < passesMax; pass += 1) {
    signal?.throwIfAborted();
    const found = await owner.session(async (session) => {
      await noteChunks(session, config.target.table, active);
      const relations = await existing(session, config);
      let rows = 0;
      for (const relation of relations) {
        const resealed = await resealRelation(session, relation, options);
        counts[relation.kind] += resealed;
        rows += resealed;
      }
      // Rows that somebody had locked were passed over, so what is left is looked for.
      const left = rows > 0 ? [] : await otherKeys(session, relations, keys);
      if (rows === 0 && left.length === 0) await giveUpKeys(session, active);
      await session.query(`DROP TABLE ${chunksTable}`);
      const recorded = await sealingKeysInUse(session, config.target.table);
      stillInUse = [...new Set([...left, ...recorded.filter((id) => id !== active)])];
      return rows;
    }, scanLimits);
    if (found > 0) continue;
    if (stillInUse.length === 0) break;
    await clock.sleep(waitMs, signal);
  }
  return { active, rows: counts.Target, rejects: counts.Rejects + counts.Replays, stillInUse };
}

/** An import that has not come far has no tables yet. */
async function existing(
  session: Session,
  config: ResealOptions['config'],
): Promise<readonly SealedRelation[]> {
  const relations = [...sealedRelations(config), replaysRelation(config)];
  const { rows } = await session.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL',
    [relations.map(({ name }) => name)],
  );
  return relations.filter((relation) => rows.some(({ name }) => name === relation.name));
}

/** Keys other than the active one that values are under, by their own words. */
async function otherKeys(
  session: Session,
  relations: readonly SealedRelation[],
  keys: KeyRingReader,
): Promise<readonly string[]> {
  const { active } = keys.current();
  const ids = new Set<string>();
  for (const { name, fields, condition } of relations) {
    for (const { column } of fields) {
      const value = sqlIdentifier(column);
      const { rows } = await session.query<{ id: string }>(
        `SELECT DISTINCT encode(substring(${value} FROM 3 FOR get_byte(${value}, 1)), 'escape') AS id
         FROM ${name} WHERE ${condition} AND ${isOtherSql(column, active)}`,
      );
      for (const { id } of rows) ids.add(id);
    }
  }
  return [...ids];
}

/** Only of chunks that are committed by now is it proved that nothing is left. */
async function noteChunks(session: Session, table: string, active: string): Promise<void> {
  await session.query(`CREATE TEMPORARY TABLE millrace_reseal (import uuid, chunk integer)`);
  await session.query(
    `INSERT INTO ${chunksTable} SELECT c.import, c.chunk FROM millrace.chunks c
     JOIN millrace.imports i ON i.uid = c.import
     WHERE i.target = $1 AND c.sealing_key IS NOT NULL AND c.sealing_key <> $2`,
    [table, active],
  );
}

async function giveUpKeys(session: Session, active: string): Promise<void> {
  await session.query(
    `UPDATE millrace.chunks c SET sealing_key = $1 FROM ${chunksTable} n
     WHERE c.import = n.import AND c.chunk = n.chunk`,
    [active],
  );
}

async function resealRelation(
  session: Session,
  relation: SealedRelation,
  { keys, owner, progressed, signal, blocksAtOnce = blocksDefault }: ResealOptions,
): Promise<number> {
  const opener = new Opener(keys);
  const { active } = keys.current();
  let rows = 0;
  for (const { leaf, blocks } of await leavesOf(session, relation.name)) {
    for (let from = 0; from < blocks; from += blocksAtOnce) {
      signal?.throwIfAborted();
      const range = { leaf, from, to: from + blocksAtOnce };
      rows += await resealBlocks(owner, range, { relation, opener, active });
      progressed?.({ rows, doneBlocks: Math.min(blocks, range.to), blocks });
    }
  }
  return rows;
}

interface Leaf {
  readonly leaf: string;
  readonly blocks: number;
}

/** The table, or its partitions; rows written behind the last block by now are a later pass's. */
async function leavesOf(session: Session, table: string): Promise<readonly Leaf[]> {
  const { rows } = await session.query<{ schema: string; name: string; blocks: string }>(
    `SELECT n.nspname AS schema, c.relname AS name,
       ceil(pg_relation_size(c.oid) / current_setting('block_size')::numeric)::bigint AS blocks
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE (c.oid = to_regclass($1) AND c.relkind = 'r')
       OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)) WHERE isleaf)`,
    [table],
  );
  return rows.map(({ schema, name, blocks }) => ({
    leaf: `${sqlIdentifier(schema)}.${sqlIdentifier(name)}`,
    blocks: Number(blocks),
  }));
}
