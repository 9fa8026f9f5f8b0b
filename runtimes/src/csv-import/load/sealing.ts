/**
 * What sealed columns mean to a load: which columns are bytes, and under which key an attempt seals.
 *
 * Each attempt at a chunk asks the ring for the key that is active at that moment and begins with a
 * salt of its own. When any column is sealed, the raw bytes of rejects are sealed as well, because a
 * record that could not be read may hold the very same values.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { ColumnSpec } from '@millrace/crds/csv-import/column';
import type { EncodedColumn } from '../../rows/row-encoder.ts';
import { blindIndexColumn } from '../../sealing/blind-index.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Sealer } from '../../sealing/sealer.ts';
import type { StoredType, Target } from './target.ts';

/** A pinned plan of columns and a spec say it alike. */
export function hasSealed(columns: readonly Pick<ColumnSpec, 'sealed'>[] | undefined): boolean {
  return columns?.some((column) => column.sealed === true) === true;
}

export function hasSearchable(
  columns: readonly Pick<ColumnSpec, 'searchable'>[] | undefined,
): boolean {
  return columns?.some((column) => column.searchable === true) === true;
}

/** Columns of the table in the order in which rows are sent: blind indexes follow the others. */
export function storedColumns(
  columns: readonly EncodedColumn[],
): readonly { readonly name: string; readonly type: StoredType }[] {
  const indexes = columns.filter(({ searchable }) => searchable === true);
  return [
    ...columns.map(({ name, type, sealed }) => ({
      name,
      type: sealed === true ? ('bytea' as const) : type,
    })),
    ...indexes.map(({ name }) => ({ name: blindIndexColumn(name), type: 'bytea' as const })),
  ];
}

/** A sealed value is bound to its row, so there must be something that tells rows apart exactly. */
export function requireIdentity(target: Target): void {
  if (target.key.length === 0 && !target.hasPosition) {
    throw new Permanent(
      'TargetNotAdopted',
      `The table ${target.table} has neither a key nor positions, to which sealed values could be bound: set target.adopt or target.key in a new import.`,
    );
  }
  if (target.isKeyExact) return;
  throw new Permanent(
    'TargetMismatch',
    `The key of the table ${target.table} has a nondeterministic collation, under which a row can be found by a key that its sealed values are not bound to: change the collation, or the key.`,
  );
}

export function keysOf(keys: KeyRingReader | undefined): KeyRingReader {
  if (keys !== undefined) return keys;
  throw new Permanent('NoSealingKeys', 'This role of the import was started without a key ring.');
}

/** Throws a Transient while the ring cannot be used. */
export function beginSealing(keys: KeyRingReader | undefined): Sealer {
  return new Sealer(keysOf(keys).current().active);
}
