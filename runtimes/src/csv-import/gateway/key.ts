/**
 * Keys in URLs. `/{table}/{key}`: the percent-encoded value; of a key of several columns the values
 * in key order with commas between them, a comma inside a value written `%2C`.
 *
 * A value that its column's type cannot hold is refused here, so that it costs no query and can never
 * be taken for an outage. Spellings of one number or uuid are made one, so that they share a cache
 * entry. Words that Postgres would read as times (`now`, `today`) are refused: their row would change
 * under one URL.
 */
import { badRequest, notFound } from '../../http/request-error.ts';
import { decode } from '../../http/request-target.ts';
import type { TableColumn } from './table.ts';

/** Canonical text of a value, undefined for a malformed one. */
type Reader = (text: string) => string | undefined;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

const whole: Reader = (text) => {
  if (!/^[+-]?\d{1,30}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value < int64Min || value > int64Max ? undefined : value.toString();
};

function matching(pattern: RegExp): Reader {
  return (text) => (pattern.test(text) ? text : undefined);
}

const instant = matching(
  /^\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?$/i,
);

const readers: Readonly<Record<string, Reader>> = {
  smallint: whole,
  integer: whole,
  bigint: whole,
  numeric: matching(/^[+-]?(\d{1,1000}(\.\d{0,1000})?|\.\d{1,1000})(e[+-]?\d{1,3})?$/i),
  boolean: matching(/^(true|false)$/),
  date: matching(/^\d{4,6}-\d\d-\d\d$/),
  'timestamp with time zone': instant,
  'timestamp without time zone': instant,
  uuid: (text) =>
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined,
};

/** Values of the key, one a column, as text that the column's type can be cast from. */
export function parseKey(segment: string, key: readonly TableColumn[]): readonly string[] {
  if (key.length === 0) {
    throw notFound('This table has no key; its rows are listed but not addressed.');
  }
  // With one column a comma needs no encoding.
  const parts = key.length === 1 ? [segment] : segment.split(',');
  if (parts.length !== key.length) {
    throw badRequest(
      'BadKey',
      `A key of this table has ${key.length} values with commas between them: ${names(key)}.`,
    );
  }
  return key.map(({ name, type }, index) => {
    const read = readers[type];
    const text = decode(parts[index] ?? '');
    const value = read === undefined ? text : read(text);
    if (value === undefined) throw badRequest('BadKey', `The value of ${name} must be a ${type}.`);
    return value;
  });
}

/** The server refused the value's cast after all, for example 30 February. */
export function refusedKey(key: readonly TableColumn[], cause: unknown): Error {
  return badRequest('BadKey', `The key is not a value of ${names(key)}.`, cause);
}

function names(key: readonly TableColumn[]): string {
  return key.map(({ name, type }) => `${name} (${type})`).join(', ');
}

/**
 * What stored text of a row depends on besides the row: a table adopted with other types must not
 * answer with what another shape cached. `integer` and `bigint` render alike and count as one.
 */
export function keyFamily(type: string): string {
  return readers[type] === whole ? 'whole' : type;
}
