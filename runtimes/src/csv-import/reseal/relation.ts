/**
 * The two kinds of rows that hold sealed values, the target's and its rejects', as one shape: which
 * columns are sealed, what their values are bound to, and which blind index follows which column.
 */
import type { ColumnSpec, CsvImportPodConfig } from '@millrace/crds/csv-import';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { ColumnType } from '../../rows/column-encoder.ts';
import {
  columnPlace,
  rejectPlace,
  valuePlace,
  type KeyPart,
} from '../../sealing/associated-data.ts';
import { blindIndexColumn } from '../../sealing/blind-index.ts';
import { rejectsTable, sealedMark } from '../load/rejects.ts';
import { createdTypes, positionColumn } from '../load/target.ts';
import { keyPartSql } from '../sealed-sql.ts';

export interface SealedField {
  readonly column: string;
  /** The blind index and the place that it is made with. */
  readonly index?: { readonly column: string; readonly place: Buffer };
  /** What a value is bound to, from the identity of its row. */
  readonly place: (identity: readonly Buffer[]) => Buffer;
}

export interface SealedRelation {
  /** Quoted, and qualified where it is not in the search path. */
  readonly name: string;
  readonly kind: 'Target' | 'Rejects' | 'Replays';
  readonly fields: readonly SealedField[];
  /** SQL of bytea expressions over the row: its identity. */
  readonly identity: readonly string[];
  /** Rows that hold sealed values at all. */
  readonly condition: string;
}

export type Config = Pick<CsvImportPodConfig, 'columns' | 'target'>;

export function sealedRelations(config: Config): readonly SealedRelation[] {
  const sealed = (config.columns ?? []).filter((column) => column.sealed === true);
  return sealed.length === 0 ? [] : [targetRelation(config, sealed), rejectsRelation(config)];
}

/** The records that replays took, repaired, which the ledger keeps sealed. */
export function replaysRelation({ target }: Config): SealedRelation {
  const table = target.table.replaceAll("'", "''");
  return {
    ...rejectsRelation({ target }, 'record'),
    name: 'millrace.replays',
    kind: 'Replays',
    condition: `record_sealed AND import IN (SELECT uid FROM millrace.imports WHERE target = '${table}')`,
  };
}

function targetRelation(
  { columns = [], target: { table, key } }: Config,
  sealed: readonly ColumnSpec[],
): SealedRelation {
  const typeOf = (name: string): ColumnType =>
    columns.find((column) => column.name === name)?.type ?? 'text';
  const types = key.length === 0 ? (['bigint'] as const) : key.map(typeOf);
  const names = key.length === 0 ? [positionColumn] : key;
  return {
    name: sqlIdentifier(table),
    kind: 'Target',
    fields: sealed.map(({ name, searchable }) => {
      const place = columnPlace(table, name);
      const index = searchable === true ? { index: { column: blindIndexColumn(name), place } } : {};
      return {
        column: name,
        ...index,
        place: (identity) =>
          valuePlace(
            place,
            types.map((type, at) => keyPart(type, identity[at])),
          ),
      };
    }),
    identity: names.map((name, at) =>
      keyPartSql(sqlIdentifier(name), createdTypes[types[at] ?? 'text']),
    ),
    condition: 'true',
  };
}

function keyPart(type: ColumnType, bytes: Buffer | undefined): KeyPart {
  return { type, bytes: bytes ?? Buffer.alloc(0) };
}

function rejectsRelation(
  { target: { table } }: Pick<Config, 'target'>,
  column = 'raw',
): SealedRelation {
  return {
    name: sqlIdentifier(rejectsTable(table)),
    kind: 'Rejects',
    fields: [
      {
        column,
        place: ([uid, offset]) =>
          rejectPlace(table, uid?.toString('hex') ?? '', Number(offset?.readBigInt64BE(0) ?? 0n)),
      },
    ],
    identity: ['uuid_send(import)', 'int8send(record_offset)'],
    condition: sealedMark,
  };
}
