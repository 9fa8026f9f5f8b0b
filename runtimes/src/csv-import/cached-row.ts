/**
 * What names a row in the cache: gateways look it up by this, and workers that fill the cache must
 * say the same.
 */
import { hash } from 'node:crypto';
import type { ColumnSpec, CsvImportPodConfig } from '@millrace/crds/csv-import';
import { keyFamily } from './gateway/key.ts';
import type { TableColumn } from './gateway/table.ts';

export interface RowIdentity {
  /** All that a row's text depends on beside the row: database, columns, types of the key. */
  readonly shared: readonly string[];
  /** Values of its key, as text. */
  readonly key: readonly string[];
}

export function sharedIdentity(
  config: CsvImportPodConfig,
  databaseScope: string,
  key: readonly TableColumn[],
): readonly string[] {
  const columns = JSON.stringify(config.columns?.map(shownColumn) ?? []);
  return [databaseScope, columns, ...key.map(({ type }) => keyFamily(type))];
}

/** A table that was served in the open before must not answer with what was cached of it then. */
function shownColumn({ name, sealed }: ColumnSpec): string {
  return sealed === true ? `${name} sealed` : name;
}

/** Bounded in length, free of separators, and no row's key is readable in Redis. */
export function rowHash(parts: readonly string[]): string {
  return digest(JSON.stringify(parts));
}

const beginnings = new WeakMap<readonly string[], string>();

/**
 * What rowHash says of `first` and all parts of the identity. The shared ones may list hundreds of
 * columns, and are written out once for as long as they are the same array.
 */
export function identityHash({ shared, key }: RowIdentity, ...first: readonly string[]): string {
  let begin = beginnings.get(shared);
  if (begin === undefined) {
    begin = opened(shared);
    beginnings.set(shared, begin);
  }
  return digest(`[${opened(first)}${begin}${JSON.stringify(key).slice(1)}`);
}

/** As they stand in an array before others. */
function opened(parts: readonly string[]): string {
  return parts.map((part) => `${JSON.stringify(part)},`).join('');
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** What a cache is filled with. */
export interface LoadedRow {
  readonly body: string;
  /** Of a row that has one. */
  readonly position: string | undefined;
  /** As the database writes it: one row may be asked for by several spellings of its key. */
  readonly key: readonly string[];
}

export type LoadRow = () => Promise<LoadedRow | undefined>;

/** Host, port and database of the URL: what makes two tables of one name different tables. */
export function databaseScope(postgresUrl: string): string {
  const url = URL.parse(postgresUrl.trim());
  return url === null ? '' : `${url.hostname}:${url.port || '5432'}${url.pathname}`;
}
