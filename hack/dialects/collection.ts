/**
 * The collection: files by number, the same ones for the same numbers. Three families, so that a
 * table of scores tells where reading fails: exports as programs write them, tables with one
 * pollution, and tables with several at once.
 */
import { Random } from '@millrace/runtimes/csv/test/tables';
import { fileOf, type DialectFile, type Draft } from './draft.ts';
import { exportStyles } from './exports.ts';
import { dialectPollutions, filePollutions, pollutions, rowPollutions } from './pollutions.ts';

/** Tables that any dialect can hold and any pollution fits. */
const tables = ['shop', 'bank, plain', 'timetable', 'survey', 'statistics', 'mixture', 'mixture'];

export interface Kind {
  readonly family: 'export' | 'pollution' | 'combination';
  readonly name: string;
}

export const kinds: readonly Kind[] = [
  ...Object.keys(exportStyles).map((name) => ({ family: 'export' as const, name })),
  ...Object.keys(pollutions).map((name) => ({ family: 'pollution' as const, name })),
  ...['two', 'three', 'four'].map((name) => ({ family: 'combination' as const, name })),
];

export function collected({ family, name }: Kind, seed: number): DialectFile {
  const random = new Random(seed * 104_729 + hash(name));
  return fileOf(draft(random, { family, name }, seed));
}

function draft(random: Random, { family, name }: Kind, seed: number): Draft {
  if (family === 'export') return named(exportStyles, name)(random, seed);
  const table = named(exportStyles, random.pick(tables))(random, seed);
  if (family === 'pollution') return named(pollutions, name)(table);
  // A dialect first, then what is around the table, then rows: a later one rewrites no earlier one.
  const picked = [random.pick(dialectPollutions), random.pick(around)];
  if (name !== 'two') picked.push(random.pick(rowPollutions));
  if (name === 'four') picked.push(random.pick(rowPollutions));
  return picked.reduce((sofar, pollution) => named(pollutions, pollution)(sofar), table);
}

/** Those that leave enough of a table for others to be seen. */
const around = filePollutions.filter(
  (name) => !['empty file', 'header only', 'one record'].includes(name),
);

function named<T>(from: Readonly<Record<string, T>>, name: string): T {
  const found = from[name];
  if (found === undefined) throw new Error(`no such kind: ${name}`);
  return found;
}

function hash(text: string): number {
  let value = 7;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) | 0;
  return value;
}
