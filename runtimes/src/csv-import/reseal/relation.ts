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
  readonly table: string;
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

function targetRelation(
  { columns = [], target: { table, key } }: Config,
  sealed: readonly ColumnSpec[],
): SealedRelation {
  const typeOf = (name: string): ColumnType =>
    columns.find((column) => column.name === name)?.type ?? 'text';
  const types = key.length === 0 ? (['bigint'] as const) : key.map(typeOf);
  const names = key.length === 0 ? [positionColumn] : key;
  return {
    table,
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

function rejectsRelation({ target: { table } }: Config): SealedRelation {
  return {
    table: rejectsTable(table),
    fields: [
      {
        column: 'raw',
        place: ([uid, offset]) =>
          rejectPlace(table, uid?.toString('hex') ?? '', Number(offset?.readBigInt64BE(0) ?? 0n)),
      },
    ],
    identity: ['uuid_send(import)', 'int8send(record_offset)'],
    condition: sealedMark,
  };
}
