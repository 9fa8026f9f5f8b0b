/**
 * Which field of a record becomes which column of the table. Pure.
 *
 * With `columns`, each is found by `from`: a header name (compared exactly) or a 0-based position;
 * its own name if left out. A file without a header is mapped by position: by `from`, or in order if
 * no column has one and their number is the file's width. Without `columns`, every header column is
 * loaded as text under a safe name, by the rule at `identifiersFor`. What is taken for a header may be
 * a record, so that where a column is sealed, messages and reports hold none of the file's names.
 */
import { formatProblem } from '../../rows/column-encoder.ts';
import type { EncodedColumn } from '../../rows/row-encoder.ts';
import { hasSealed } from './sealing.ts';
import type { ColumnSpec } from '@millrace/crds/csv-import/column';

export interface MappingInput {
  readonly columns?: readonly ColumnSpec[];
  /** The header's names, or undefined if the file has none. */
  readonly header?: readonly string[];
  /** Fields in a record. */
  readonly width: number;
  readonly key: readonly string[];
}

export interface Mapping {
  readonly columns: readonly EncodedColumn[];
  readonly width: number;
  readonly header?: readonly string[];
  /** Names (or positions) of the file's columns that are not loaded. */
  readonly ignored: readonly string[];
}

export type MappingFailure =
  | 'MissingColumn'
  | 'AmbiguousColumn'
  | 'BadKey'
  | 'BadFormat'
  | 'NoColumns';

export type MappingResult =
  | { readonly ok: true; readonly mapping: Mapping }
  | { readonly ok: false; readonly reason: MappingFailure; readonly message: string };

/** Postgres refuses wider tables; one column is kept for the position. */
const columnsMax = 1599;

export function resolveMapping(input: MappingInput): MappingResult {
  const found =
    input.columns === undefined ? columnsOfHeader(input) : columnsOfSpec(input, input.columns);
  if (!found.ok) return found;
  const { columns } = found;
  const problem = columns.map(formatProblem).find((text) => text !== undefined);
  if (problem !== undefined) return failure('BadFormat', problem);
  const badKey = checkKey(input.key, columns);
  if (badKey !== undefined) return badKey;
  const used = new Set(columns.map((column) => column.index));
  const shown = hasSealed(columns) ? undefined : input.header;
  const ignored = Array.from({ length: input.width }, (_, index) => index)
    .filter((index) => !used.has(index))
    .map((index) => shown?.[index] ?? String(index));
  const header = input.header === undefined ? {} : { header: input.header };
  return { ok: true, mapping: { columns, width: input.width, ignored, ...header } };
}

type Columns =
  | { readonly ok: true; readonly columns: readonly EncodedColumn[] }
  | Extract<MappingResult, { ok: false }>;

function failure(reason: MappingFailure, message: string): Extract<MappingResult, { ok: false }> {
  return { ok: false, reason, message };
}

function columnsOfHeader(input: MappingInput): Columns {
  if (input.width > columnsMax) {
    return failure(
      'NoColumns',
      `The file has ${input.width} columns and a table holds ${columnsMax}: list those to load in columns.`,
    );
  }
  const names = input.header ?? Array.from({ length: input.width }, () => '');
  if (names.length === 0) return failure('NoColumns', 'The file has no columns: it is empty.');
  const columns = identifiersFor(names).map((name, index): EncodedColumn => ({
    name,
    index,
    type: 'text',
  }));
  return { ok: true, columns };
}

/** Names that Postgres or Millrace use for themselves. */
const reserved: ReadonlySet<string> = new Set([
  '_millrace_pos',
  'tableoid',
  'xmin',
  'cmin',
  'xmax',
  'cmax',
  'ctid',
]);
/** Two fewer than Postgres' limit of 63 would do for `_2`; this leaves room for three digits. */
const nameLengthMax = 59;

/**
 * Column names for header names: accents removed, lower case, every run of other characters one
 * `_`, no `_` at the ends; `c_` in front of a digit or a reserved name; `column_<position>` if nothing
 * is left; `_2`, `_3` … for a name that is taken. Names that are safe already stay as they are.
 */
export function identifiersFor(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = identifierFor(name, index);
    let unique = base;
    for (let count = 2; taken.has(unique); count += 1) unique = `${base}_${count}`;
    taken.add(unique);
    return unique;
  });
}

function identifierFor(name: string, index: number): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && name.length <= nameLengthMax && !reserved.has(name)) {
    return name;
  }
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, nameLengthMax - 2);
  if (plain === '') return `column_${index}`;
  return /^\d/.test(plain) || reserved.has(plain) ? `c_${plain}` : plain;
}

function columnsOfSpec(input: MappingInput, specs: readonly ColumnSpec[]): Columns {
  const isPositional =
    input.header === undefined &&
    specs.length === input.width &&
    specs.every((spec) => spec.from === undefined);
  const columns: EncodedColumn[] = [];
  const missing: string[] = [];
  for (const [position, spec] of specs.entries()) {
    const indexes = isPositional ? [position] : indexesOf(input, spec);
    if (indexes.length > 1) {
      return failure(
        'AmbiguousColumn',
        `The header has ${indexes.length} columns named ${label(spec)}: set columns.${spec.name}.from to the 0-based position of one (${indexes.join(', ')}).`,
      );
    }
    const [index] = indexes;
    if (index === undefined) missing.push(`${spec.name} (${label(spec)})`);
    else columns.push(encodedColumn(spec, index));
  }
  if (missing.length === 0) return { ok: true, columns };
  return failure(
    'MissingColumn',
    `The file lacks ${missing.slice(0, 10).join(', ')}. ${whatFileHas(input, specs)}, or the name of the column.`,
  );
}

function whatFileHas({ header, width }: MappingInput, specs: readonly ColumnSpec[]): string {
  if (header === undefined) {
    return `The file has no header and ${width} columns: set from to 0-based positions`;
  }
  if (hasSealed(specs)) {
    return `Its header has ${header.length} columns, whose names are not told because one is sealed: correct from`;
  }
  return `The file has ${header.slice(0, 20).map(quoted).join(', ')}${header.length > 20 ? ', …' : ''}: correct from`;
}

function label(spec: ColumnSpec): string {
  return typeof spec.from === 'number' ? `position ${spec.from}` : quoted(nameOf(spec));
}

/** Header names reach status and logs: bounded, and without control characters. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

function nameOf(spec: ColumnSpec): string {
  return typeof spec.from === 'string' ? spec.from : spec.name;
}

/** A number, also written as text, is a position unless the header has it as a name. */
function indexesOf(input: MappingInput, spec: ColumnSpec): readonly number[] {
  if (typeof spec.from === 'number') return spec.from < input.width ? [spec.from] : [];
  const name = nameOf(spec);
  const named = (input.header ?? []).flatMap((other, index) => (other === name ? [index] : []));
  if (named.length > 0 || spec.from === undefined || !/^\d{1,6}$/.test(name)) return named;
  return Number(name) < input.width ? [Number(name)] : [];
}

function encodedColumn(spec: ColumnSpec, index: number): EncodedColumn {
  return {
    name: spec.name,
    index,
    type: spec.type,
    ...(spec.format === undefined ? {} : { format: spec.format }),
    ...(spec.nullValues === undefined ? {} : { nullValues: spec.nullValues }),
    ...(spec.allowNegative === undefined ? {} : { allowNegative: spec.allowNegative }),
    ...(spec.sealed === true ? { sealed: true, searchable: spec.searchable === true } : {}),
  };
}

function checkKey(
  key: readonly string[],
  columns: readonly EncodedColumn[],
): Extract<MappingResult, { ok: false }> | undefined {
  for (const name of key) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      const names = columns.slice(0, 20).map((candidate) => candidate.name);
      return failure(
        'MissingColumn',
        `target.key names ${name}; the columns are ${names.join(', ')}.`,
      );
    }
    if (column.type === 'json') {
      return failure('BadKey', `target.key names ${name}, but json values cannot be compared.`);
    }
    if (column.sealed === true) {
      return failure('BadKey', `target.key names ${name}, but sealed values never compare equal.`);
    }
  }
  return undefined;
}
