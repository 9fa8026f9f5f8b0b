/**
 * What a user may fix about a CSV file (`FormatSpec`) and what reading it needs (`Dialect`).
 *
 * A dialect is plain JSON: it is pinned once beside the chunk plan, so that every process that
 * ever reads the file reads it the same way. Bytes are numbers because the parser compares bytes.
 */

export type Escape = 'Doubled' | 'Backslash' | 'None';
export type Encoding = 'UTF-8' | 'Windows-1252';

export interface FormatSpec {
  readonly header?: 'Auto' | 'Present' | 'Absent';
  /** `Auto` or one ASCII character. */
  readonly delimiter?: string;
  readonly quote?: 'Auto' | '"' | "'" | 'None';
  readonly escape?: 'Auto' | Escape;
  readonly encoding?: 'Auto' | Encoding;
  /** One ASCII character; lines that begin with it are skipped and counted. No default. */
  readonly comment?: string;
}

export interface Dialect {
  readonly delimiter: number;
  readonly quote: number | undefined;
  readonly escape: Escape;
  readonly encoding: Encoding;
  readonly comment: number | undefined;
  readonly header: boolean;
  readonly bomBytes: 0 | 3;
  /** True when spaces after a delimiter belong to the delimiter, as in `a, b, c` throughout. */
  readonly padded?: boolean;
}

/**
 * The delimiter of a file that has one column and uses every usual delimiter inside its text: the
 * ASCII unit separator, which no text contains.
 */
export const noDelimiter = 0x1f;

export const standardDialect: Dialect = {
  delimiter: 0x2c,
  quote: 0x22,
  escape: 'Doubled',
  encoding: 'UTF-8',
  comment: undefined,
  header: true,
  bomBytes: 0,
};

export interface ReadableDialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: Escape;
  readonly encoding: Encoding;
  readonly comment: string | null;
  readonly header: 'Present' | 'Absent';
  readonly bom: boolean;
  readonly padded: boolean;
}

/** The dialect in the spelling of `spec.format`, so that it can be pasted back into a manifest. */
export function readableDialect(dialect: Dialect): ReadableDialect {
  const { quote, comment } = dialect;
  return {
    delimiter: String.fromCharCode(dialect.delimiter),
    quote: quote === undefined ? 'None' : String.fromCharCode(quote),
    escape: dialect.escape,
    encoding: dialect.encoding,
    comment: comment === undefined ? null : String.fromCharCode(comment),
    header: dialect.header ? 'Present' : 'Absent',
    bom: dialect.bomBytes === 3,
    padded: dialect.padded ?? false,
  };
}
