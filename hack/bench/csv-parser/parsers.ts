/**
 * The parsers that are compared, each from the bytes of a file to what its user would go on with.
 *
 * `bytes` is what loading needs: every value as UTF-8, without its quotes, in one buffer. The others
 * make a string of every value, as their users get them; ours does that for previews.
 */
import { parse } from 'csv-parse/sync';
import { inferSchema, initParser } from 'udsv';
import { standardDialect, type Encoding } from '@millrace/runtimes/csv/dialect';
import { fieldBytes, textsOf } from '@millrace/runtimes/csv/field-text';
import { parseChunk } from '@millrace/runtimes/csv/parser';

/** What was read, so that nobody can leave work out: records, and characters or bytes of values. */
export interface Yield {
  readonly records: number;
  readonly values: number;
  readonly size: number;
}

export type Parse = (bytes: Buffer, encoding: Encoding) => Yield;

const maxRecordBytes = 16 * 1024 * 1024;
const valueBytesMax = 1024 * 1024;

function millraceBytes(bytes: Buffer, encoding: Encoding): Yield {
  const out = Buffer.allocUnsafe(3 * valueBytesMax);
  let [records, values, size] = [0, 0, 0];
  const dialect = { ...standardDialect, encoding };
  parseChunk(
    { bytes, offset: 0, dialect, maxRecordBytes },
    {
      record: (record) => {
        records += 1;
        values += record.fieldCount;
        for (let index = 0; index < record.fieldCount; index += 1) {
          size += fieldBytes(record, index, { out, at: 0 });
        }
      },
      bad: refuse,
    },
  );
  return { records, values, size };
}

function millraceStrings(bytes: Buffer, encoding: Encoding): Yield {
  const rows: string[][] = [];
  const dialect = { ...standardDialect, encoding };
  parseChunk(
    { bytes, offset: 0, dialect, maxRecordBytes },
    { record: (record) => rows.push(textsOf(record)), bad: refuse },
  );
  return weigh(rows);
}

function refuse(): never {
  throw new Error('a sample holds a record that is none');
}

function csvParse(bytes: Buffer, encoding: Encoding): Yield {
  const rows: string[][] = parse(bytes, { encoding: encoding === 'UTF-8' ? 'utf8' : 'utf16le' });
  return weigh(rows);
}

/** As a loader on top of it would do. */
function uDsvBytes(bytes: Buffer, encoding: Encoding): Yield {
  const out = Buffer.allocUnsafe(3 * valueBytesMax);
  let [records, values, size] = [1, 0, 0];
  const { names, rows } = readByUDsv(bytes, encoding);
  for (const name of names) size += out.write(name);
  values += names.length;
  for (const row of rows) {
    records += 1;
    values += row.length;
    for (const value of row) size += out.write(value);
  }
  return { records, values, size };
}

function uDsv(bytes: Buffer, encoding: Encoding): Yield {
  const { names, rows } = readByUDsv(bytes, encoding);
  // It takes the header for itself; the others read it as a record.
  const [header, body] = [weigh([names]), weigh(rows)];
  return {
    records: body.records + header.records,
    values: body.values + header.values,
    size: body.size + header.size,
  };
}

function readByUDsv(
  bytes: Buffer,
  encoding: Encoding,
): { readonly names: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const text = bytes.toString(encoding === 'UTF-8' ? 'utf8' : 'utf16le');
  const schema = inferSchema(text);
  const names = schema.cols.map(({ name }) => name);
  return { names, rows: initParser(schema).stringArrs(text) };
}

/** Touches every value, so that none is left as a promise to be made later. */
function weigh(rows: readonly (readonly string[])[]): Yield {
  let [values, size] = [0, 0];
  for (const row of rows) {
    values += row.length;
    for (const value of row) size += value.length;
  }
  return { records: rows.length, values, size };
}

export const parsers: Readonly<Record<string, Parse>> = {
  'millrace, bytes': millraceBytes,
  'udsv, bytes': uDsvBytes,
  'millrace, strings': millraceStrings,
  'csv-parse, strings': csvParse,
  'udsv, strings': uDsv,
};
