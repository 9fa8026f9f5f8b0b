/**
 * Sealed columns in answers: opened for callers with the scope `reveal`, absent for all others, and
 * searched by equality where they are searchable.
 *
 * The database, and Redis with it, only ever hold envelopes. A row to be revealed comes from there as
 * one line with its envelopes and what they are bound to, and after it the row as anybody may see it;
 * values are opened here, for the answer and nothing else. What cannot be opened is said, never left
 * out: a missing value would look like a NULL.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { RequestError } from '../../http/request-error.ts';
import { binaryToJson } from '../../rows/binary-json.ts';
import type { ColumnType } from '../../rows/column-encoder.ts';
import { columnPlace, valuePlace, type KeyPart } from '../../sealing/associated-data.ts';
import { blindIndexes } from '../../sealing/blind-index.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import { keyPartSql } from '../sealed-sql.ts';
import { positionColumn, type TableColumn } from './table.ts';

/** Openings between two looks at other requests: a millisecond or two. */
const openedAtOnce = 128;

export interface SealedColumns {
  /** Columns that lists can be filtered by equality. */
  readonly searchable: readonly string[];
  /** What a value to look for may be in the table's blind index. */
  digests(column: string, value: string): readonly Buffer[];
  /** Rows as they come from a shape that reveals, with their sealed columns opened. */
  reveal(rows: readonly string[]): Promise<readonly string[]>;
}

export function sealedColumns(
  config: CsvImportPodConfig,
  keys: KeyRingReader,
): SealedColumns | undefined {
  const { table } = config.target;
  const sealed = (config.columns ?? []).filter((column) => column.sealed === true);
  if (sealed.length === 0) return undefined;
  const places = new Map(sealed.map(({ name }) => [name, columnPlace(table, name)]));
  const types = new Map(sealed.map(({ name, type }) => [name, type]));
  const keyTypes = rowKeyTypes(config);
  const opener = new Opener(keys);
  const place = (column: string): Buffer => places.get(column) ?? columnPlace(table, column);

  const openRow = (row: string): string => {
    const end = row.indexOf('\n');
    const { key, values } = JSON.parse(row.slice(0, end)) as SealedRow;
    const parts = keyTypes.map((type, at): KeyPart => ({ type, bytes: fromHex(key[at] ?? '') }));
    const opened = Object.entries(values).map(([column, value]) => {
      const type = types.get(column);
      if (value === null || type === undefined) return `${JSON.stringify(column)}:null`;
      const bytes = opener.open(fromHex(value), valuePlace(place(column), parts));
      return `${JSON.stringify(column)}:${binaryToJson(type, bytes)}`;
    });
    const open = row.slice(end + 1, -1);
    return `${open}${open === '{' ? '' : ','}${opened.join(',')}}`;
  };

  return {
    searchable: sealed.filter(({ searchable }) => searchable === true).map(({ name }) => name),
    digests: (column, value) =>
      forClients(() => blindIndexes(keys.current(), place(column), Buffer.from(value))),
    reveal: async (rows) => {
      const opened: string[] = [];
      for (const row of rows) {
        opened.push(forClients(() => openRow(row)));
        if (opened.length % openedAtOnce === 0) await new Promise(setImmediate);
      }
      return opened;
    },
  };
}

interface SealedRow {
  /** Parts of the row's key, in hex. */
  readonly key: readonly string[];
  readonly values: Readonly<Record<string, string | null>>;
}

function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function rowKeyTypes(config: CsvImportPodConfig): readonly ColumnType[] {
  const { key } = config.target;
  if (key.length === 0) return ['bigint'];
  return key.map((name) => config.columns?.find((one) => one.name === name)?.type ?? 'text');
}

/** The first line of a row that is revealed; hex and names need no escapes. */
export function sealedLineSql(
  alias: string,
  shape: { readonly key: readonly TableColumn[]; readonly revealed: readonly string[] },
): string {
  const of = (name: string): string => `${alias}.${sqlIdentifier(name)}`;
  const parts =
    shape.key.length === 0
      ? [keyPartSql(of(positionColumn), 'bigint')]
      : shape.key.map(({ name, type }) => keyPartSql(of(name), type));
  const values = shape.revealed.map(
    (name) => `encode(${of(name)}, 'hex') AS ${sqlIdentifier(name)}`,
  );
  return `json_build_object('key', ARRAY[${parts.map((part) => `encode(${part}, 'hex')`).join(', ')}],
    'values', (SELECT row_to_json(s) FROM (SELECT ${values.join(', ')}) s))::text`;
}

/** Names the key that is missing; the Secret is not a backend that will answer by itself. */
function forClients<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Transient) {
      throw new Transient(error.code, error.message, { retryAfterMs: 5_000, cause: error });
    }
    if (error instanceof Permanent) {
      throw new RequestError(error.message, { status: 500, code: error.code, cause: error });
    }
    throw error;
  }
}
