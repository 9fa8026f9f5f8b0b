/**
 * The file that rejects are repaired in: plain CSV in UTF-8, whatever the source was written in, so that
 * any spreadsheet and any editor will do. Four columns say which record it is and what was wrong; the
 * fields of the record follow under the names of the source's header.
 *
 * The first column is how a repaired record finds its place again. A record that cannot be split as it
 * stands (an open quote, an invalid character) is split at every delimiter, for a person to put right.
 */
import { Permanent } from '@millrace/kit/permanent';
import { standardDialect, type Dialect } from '../../csv/dialect.ts';
import { encodeRecord } from '../../csv/encode.ts';
import { fieldText, lossyFieldText } from '../../csv/field-text.ts';
import { parseChunk } from '../../csv/parser.ts';
import { splitLine } from '../../csv/split-line.ts';
import { rejectsPageRecordBytesMax, type RejectRow } from './reject-rows.ts';

/** What every line of the file begins with. */
export const exchangeColumns = [
  '_millrace_offset',
  '_millrace_line',
  '_millrace_reason',
  '_millrace_column',
] as const;

/** Repaired records are read in this, and so is the file. */
export const exchangeDialect: Dialect = { ...standardDialect, header: false };

export function exchangeHeader(header: readonly string[] | null, width: number): Buffer {
  const named = header ?? Array.from({ length: width }, (_, at) => `field_${at + 1}`);
  return encodeRecord([...exchangeColumns, ...named], exchangeDialect);
}

export function exchangeRecord(reject: RejectRow, dialect: Dialect): Buffer {
  const { offset, line, reason, column } = reject;
  const place = [String(offset), line === undefined ? '' : String(line), reason, column ?? ''];
  return encodeRecord([...place, ...fieldsOf(reject.raw, dialect)], exchangeDialect);
}

/** The fields of a rejected record, as far as it has any. */
export function fieldsOf(raw: Buffer, dialect: Dialect): readonly string[] {
  const found: string[][] = [];
  parseChunk(
    { bytes: raw, offset: 0, dialect, maxRecordBytes: rejectsPageRecordBytesMax },
    {
      record: (record) => {
        found.push(
          Array.from({ length: record.fieldCount }, (_, at) => lossyFieldText(record, at)),
        );
      },
      bad: () => found.push([], []),
    },
  );
  const [fields, ...more] = found;
  if (fields !== undefined && more.length === 0) return fields;
  return splitLine(raw, dialect);
}

export interface Repaired {
  readonly offset: number;
  readonly fields: readonly string[];
}

/** A file for people: more than this is no work by hand. */
export const repairedBytesMax = 256 * 1024 * 1024;

/** Spreadsheets of some countries write another delimiter, and some write a mark before the text. */
function dialectOf(bytes: Buffer): Dialect {
  const bomBytes = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0;
  const head = bytes.toString('latin1', bomBytes, bomBytes + 64);
  const delimiter = /^"?_millrace_offset"?([,;\t])/.exec(head)?.[1];
  if (delimiter === undefined) {
    throw badFile('it must begin with the line that `millrace rejects` writes first');
  }
  return { ...exchangeDialect, bomBytes, delimiter: delimiter.charCodeAt(0) };
}

/** The records of a repaired file in the order of their offsets; throws BadRepair naming the line. */
export function parseRepaired(bytes: Buffer): readonly Repaired[] {
  if (bytes.length > repairedBytesMax) throw badFile('it is larger than 256 MiB; cut it in parts');
  const dialect = dialectOf(bytes);
  const data = bytes.subarray(dialect.bomBytes);
  const repaired = new Map<number, Repaired>();
  let isHeader = true;
  parseChunk(
    { bytes: data, offset: 0, dialect, maxRecordBytes: rejectsPageRecordBytesMax },
    {
      bad: ({ line, reason }) => {
        throw badFile(`line ${line} cannot be read (${reason})`);
      },
      record: (record) => {
        if (isHeader) {
          isHeader = false;
          return;
        }
        const texts = Array.from({ length: record.fieldCount }, (_, at) => fieldText(record, at));
        const [place = '', , , , ...fields] = texts.map((text) => {
          if (text === undefined) throw badFile(`line ${record.line} is not UTF-8`);
          return text;
        });
        const offset = Number(place);
        if (!/^\d{1,15}$/.test(place)) {
          throw badFile(`line ${record.line} does not begin with the offset of a reject`);
        }
        if (repaired.has(offset)) throw badFile(`line ${record.line} repeats an offset`);
        repaired.set(offset, { offset, fields });
      },
    },
  );
  return [...repaired.values()].toSorted((one, other) => one.offset - other.offset);
}

function badFile(what: string): Permanent {
  return new Permanent('BadRepair', `The repaired file cannot be taken: ${what}.`);
}

/** Spreadsheets fill up rows that are shorter than others; cells beyond the width mean nothing then. */
export function withoutPadding(fields: readonly string[], width: number): readonly string[] {
  let end = fields.length;
  while (end > width && fields[end - 1] === '') end -= 1;
  return fields.slice(0, end);
}

/** Whether nobody has touched the record, whatever a spreadsheet has filled up. */
export function isUntouched(fields: readonly string[], before: readonly string[]): boolean {
  const [one, other] = [withoutPadding(fields, 0), withoutPadding(before, 0)];
  return one.length === other.length && one.every((field, at) => field === other[at]);
}
