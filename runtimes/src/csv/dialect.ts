/**
 * What a user may fix about a CSV file (`FormatSpec`) and what reading it needs (`Dialect`).
 *
 * A dialect is plain JSON: it is pinned once beside the chunk plan, so that every process that
 * ever reads the file reads it the same way. Characters are numbers (code points), because the
 * parser compares numbers. A pinned dialect of an older version lacks the fields added since: each
 * of those is optional, and its absence means what was the only way before.
 */

export type Escape = 'Doubled' | 'Backslash' | 'None';
export type Encoding = 'UTF-8' | 'Windows-1252' | 'UTF-16LE' | 'UTF-16BE';

export interface FormatSpec {
  readonly header?: 'Auto' | 'Present' | 'Absent';
  /** `Auto`, one character, `Spaces` (one or more) or `WideSpaces` (two or more). */
  readonly delimiter?: string;
  readonly quote?: 'Auto' | '"' | "'" | 'None';
  readonly escape?: 'Auto' | Escape;
  readonly encoding?: 'Auto' | Encoding;
  /** One character; lines that begin with it are skipped and counted. No default. */
  readonly comment?: string;
  /** Lines before the header, or before the data of a file without one. Found if left out. */
  readonly preambleLines?: number;
}

export interface Dialect {
  readonly delimiter: number;
  readonly quote: number | undefined;
  readonly escape: Escape;
  readonly encoding: Encoding;
  readonly comment: number | undefined;
  readonly header: boolean;
  readonly bomBytes: 0 | 2 | 3;
  /** True when spaces after a delimiter belong to the delimiter, as in `a, b, c` throughout. */
  readonly padded?: boolean;
  /**
   * Set when the delimiter (a space) is a run of at least so many, as in columns that were aligned
   * for the eye. Runs at either end of a record separate nothing.
   */
  readonly spacesMin?: 1 | 2;
  /** Physical lines between the mark and the header or the data: skipped, whatever they hold. */
  readonly preambleLines?: number;
}

/** The most lines that are looked through for the end of a preamble, and that may be given. */
export const preambleLinesMax = 1000;

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

export type Delimiter = Pick<Dialect, 'delimiter' | 'spacesMin'>;

/** Names of delimiters that no single character writes. */
const spaceRuns: Readonly<Record<string, Delimiter>> = {
  Spaces: { delimiter: 0x20, spacesMin: 1 },
  WideSpaces: { delimiter: 0x20, spacesMin: 2 },
};

/** What the format says of a field; undefined if it is to be found. */
export function fixed<T extends string>(value: T | undefined): Exclude<T, 'Auto'> | undefined {
  return value === undefined || value === 'Auto' ? undefined : (value as Exclude<T, 'Auto'>);
}

/** What a format's delimiter means in a dialect; undefined if it is to be found. */
export function givenDelimiter({ delimiter }: FormatSpec): Delimiter | undefined {
  const given = fixed(delimiter);
  if (given === undefined) return undefined;
  return spaceRuns[given] ?? { delimiter: given.codePointAt(0) ?? noDelimiter };
}

/** A dialect's delimiter in the spelling of `spec.format`. */
export function delimiterName({ delimiter, spacesMin }: Delimiter): string {
  if (spacesMin === undefined) return String.fromCodePoint(delimiter);
  return spacesMin === 1 ? 'Spaces' : 'WideSpaces';
}

export interface ReadableDialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: Escape;
  readonly encoding: Encoding;
  readonly comment: string | null;
  readonly header: 'Present' | 'Absent';
  readonly preambleLines: number;
  readonly bom: boolean;
  readonly padded: boolean;
}

/** The dialect in the spelling of `spec.format`, so that it can be pasted back into a manifest. */
export function readableDialect(dialect: Dialect): ReadableDialect {
  const { quote, comment } = dialect;
  return {
    delimiter: delimiterName(dialect),
    quote: quote === undefined ? 'None' : String.fromCodePoint(quote),
    escape: dialect.escape,
    encoding: dialect.encoding,
    comment: comment === undefined ? null : String.fromCodePoint(comment),
    header: dialect.header ? 'Present' : 'Absent',
    preambleLines: dialect.preambleLines ?? 0,
    bom: dialect.bomBytes > 0,
    padded: dialect.padded ?? false,
  };
}
