/**
 * The sink of an import: mapping, target, load and recount behind the port that coordinator and
 * worker drive. It keeps one loader, since a worker loads one chunk at a time with one plan.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import type { ChunkResult } from '../../chunks/claim.ts';
import { sealingKeysInUse } from '../../chunks/sealing-keys.ts';
import { noteCreatedTable } from '../../chunks/targets.ts';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import type { Sealer } from '../../sealing/sealer.ts';
import { ChunkLoader, type LoadPlan } from './chunk-loader.ts';
import { resolveMapping, type Mapping } from './mapping.ts';
import { rejectsTable, writeRejects } from './rejects.ts';
import type { ChunkInput, ColumnPlan, LoadContext, Recount, Sink } from './sink-port.ts';
import { beginSealing, hasSealed, keysOf, requireIdentity, storedColumns } from './sealing.ts';
import { buildIndexes, positionIndexSql } from './target-indexes.ts';
import { prepareTarget } from './target-setup.ts';
import { describeTarget, mismatch, positionColumn, type TargetSpec } from './target.ts';

export interface SinkOptions {
  readonly config: Pick<CsvImportPodConfig, 'columns' | 'target' | 'serve' | 'maxRecordBytes'>;
  /** With the owner's rights; only the coordinator has it. */
  readonly owner?: Database;
  /** The role of POSTGRES_URL, to which the owner grants the target. */
  readonly workingRole?: string;
  /** Needed where a column is sealed. */
  readonly keys?: KeyRingReader;
}

/** How many rejects a verdict names. */
const firstRejectsMax = 3;

export function createSink(options: SinkOptions): Sink {
  const { config } = options;
  let current: { loader: ChunkLoader; context: LoadContext; uid: string } | undefined;

  const loaderFor = async (
    tx: Session,
    input: ChunkInput,
    context: LoadContext,
  ): Promise<ChunkLoader> => {
    if (current?.context === context && current.uid === input.import) return current.loader;
    const plan = await loadPlan(tx, { config, context, uid: input.import });
    current = { loader: new ChunkLoader(plan), context, uid: input.import };
    return current.loader;
  };

  return {
    resolveColumns: (header, width) => resolveColumns(config, header, width),
    prepareTarget: async (columns) => {
      const { wasEmpty } = await prepareTarget(ownerOf(options), {
        ...targetSpec(config, mappingOf(columns)),
        isSealed: hasSealed(mappingOf(columns).columns),
        adopt: config.target.adopt,
        created: async (tx) => {
          await noteCreatedTable(tx, config.target.table);
          if (config.serve.enabled) await tx.query(positionIndexSql(config.target.table));
        },
        ...(options.workingRole === undefined ? {} : { workingRole: options.workingRole }),
      });
      return { wasEmpty };
    },
    requireKeys: async (db) => {
      if (!hasSealed(config.columns)) return;
      const ring = keysOf(options.keys).current();
      const inUse = db === undefined ? [] : await sealingKeysInUse(db, config.target.table);
      for (const id of inUse) ring.need(id);
    },
    loadChunk: async (tx, input, context) => {
      const sealer = hasSealed(mappingOf(context.columns).columns)
        ? beginSealing(options.keys)
        : undefined;
      const sealed = sealer === undefined ? {} : { sealingKey: sealer.key.id };
      const sealing = sealer === undefined ? {} : { sealer };
      if (input.tooLong) {
        const rejected = await rejectTooLong(tx, config.target.table, { ...input, ...sealing });
        return { ...rejected, ...sealed };
      }
      const loader = await loaderFor(tx, input, context);
      const { rejectReasons, ...result } = await loader.load(tx, { ...input, ...sealing });
      return { ...result, ...sealed, reasons: rejectReasons };
    },
    recount: (db, it) => recount(db, config.target.table, it),
    firstRejects: (db, uid) => firstRejects(db, config.target.table, uid),
    buildIndexes: async (columns) => {
      const { columns: mapped } = mappingOf(columns);
      const { enabled, filters } = config.serve;
      const isOpen = (name: string): boolean =>
        mapped.every((column) => column.name !== name || column.sealed !== true);
      await buildIndexes(ownerOf(options), config.target.table, {
        filters: enabled ? filters.filter(isOpen) : [],
        searchable: mapped.filter(({ searchable }) => searchable).map(({ name }) => name),
        positions: enabled && (await hasPositions(ownerOf(options), config.target.table)),
      });
    },
  };
}

function ownerOf({ owner }: SinkOptions): Database {
  if (owner !== undefined) return owner;
  throw new Permanent(
    'NoOwner',
    'This role of the import has no connection with the owner’s rights.',
  );
}

type Config = SinkOptions['config'];

function resolveColumns(
  config: Config,
  header: readonly string[] | null,
  width: number,
): ColumnPlan {
  const result = resolveMapping({
    ...(config.columns === undefined ? {} : { columns: config.columns }),
    ...(header === null ? {} : { header }),
    width,
    key: config.target.key,
  });
  if (result.ok) return result.mapping;
  throw new Permanent(result.reason, result.message);
}

/** The plan is our own mapping, pinned in the ledger as JSON. */
function mappingOf(columns: ColumnPlan): Mapping {
  if ('width' in columns && 'columns' in columns) return columns as Mapping;
  throw new Permanent(
    'BadPlan',
    'The pinned columns of the import were written by another version.',
  );
}

function targetSpec(config: Config, mapping: Mapping): TargetSpec {
  const { table, key } = config.target;
  return { table, key, columns: storedColumns(mapping.columns) };
}

async function loadPlan(
  tx: Session,
  { config, context, uid }: { config: Config; context: LoadContext; uid: string },
): Promise<LoadPlan> {
  const mapping = mappingOf(context.columns);
  const spec = targetSpec(config, mapping);
  const target = await describeTarget(tx, spec);
  if (target === undefined) throw mismatch(spec, 'does not exist any more');
  if (hasSealed(mapping.columns)) requireIdentity(target);
  return {
    importUid: uid,
    dialect: context.dialect,
    maxRecordBytes: config.maxRecordBytes,
    mapping,
    target,
    onConflict: config.target.onConflict,
    sequence: context.seq,
    mode: context.targetWasEmpty ? 'direct' : 'merge',
  };
}

async function rejectTooLong(
  tx: Session,
  table: string,
  input: ChunkInput & { readonly sealer?: Sealer },
): Promise<ChunkResult> {
  const reject = {
    start: 0,
    end: input.bytes.length,
    line: 1,
    reason: 'RecordTooLong',
    isTruncated: true,
  } as const;
  await writeRejects(tx, table, { ...input, importUid: input.import, rejects: [reject] });
  return {
    path: 'reject',
    read: 1,
    rejected: 1,
    superseded: 0,
    comments: 0,
    blank: 0,
    reasons: { RecordTooLong: 1 },
  };
}

async function hasPositions(db: Database, table: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2',
    [sqlIdentifier(table), positionColumn],
  );
  return rowCount > 0;
}

/**
 * Counts rows by the range of positions that is this import's. A table without positions (keyless,
 * not ours) cannot tell its rows apart; there the ledger's own sum stands.
 */
async function recount(
  db: Database,
  table: string,
  it: { readonly import: string; readonly seq: number },
): Promise<Recount> {
  const loadedSql = (await hasPositions(db, table))
    ? `SELECT count(*) FROM ${sqlIdentifier(table)}
          WHERE ${positionColumn} >= ${basePosition(it.seq)} AND ${positionColumn} < ${basePosition(it.seq + 1)}`
    : 'SELECT coalesce(sum(read - rejected - superseded), 0) FROM millrace.chunks WHERE import = $1';
  const { rows } = await db.query<{ loaded: string; rejected: string }>(
    `SELECT (${loadedSql}) AS loaded,
      (SELECT count(*) FROM ${sqlIdentifier(rejectsTable(table))} WHERE import = $1) AS rejected`,
    [it.import],
  );
  return { loaded: Number(rows[0]?.loaded ?? 0), rejected: Number(rows[0]?.rejected ?? 0) };
}

async function firstRejects(db: Database, table: string, uid: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ reason: string; line: string | null; name: string | null }>(
    `SELECT reason, line, column_name AS name FROM ${sqlIdentifier(rejectsTable(table))}
      WHERE import = $1 ORDER BY record_offset LIMIT ${firstRejectsMax}`,
    [uid],
  );
  return rows.map(({ reason, line, name }) => {
    const place = line === null ? 'unknown line' : `line ${line}`;
    return name === null ? `${reason} (${place})` : `${reason} (${place}, column ${name})`;
  });
}
