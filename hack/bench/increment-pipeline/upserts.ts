/**
 * Sorted upserts as a careful person writes them by hand, in several ways: the fastest of them on the
 * machine is the baseline of the worker's sink. Each takes the items of one batch, sorts them by key,
 * and adds them in one transaction, on one connection that prepares its statements once. No fence, no
 * offsets, no requests: only the sums.
 */
import { pipeline as pipe } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { itemBytes, itemKeyBytes, uuidText } from './items.ts';

export interface Upsert {
  readonly name: string;
  /** Before the first batch, on the connection. */
  prepare?(client: Client): Promise<void>;
  /** One batch, committed. */
  add(client: Client, table: string, items: Buffer): Promise<void>;
}

const uuidOid = 2950;
const bigintOid = 20;
const prefixBytes = 6;
const onConflict =
  'ON CONFLICT (key) DO UPDATE SET value = held.value + excluded.value, updated_at = excluded.updated_at';
const unnested = 'SELECT k, v, now() FROM unnest($1::uuid[], $2::bigint[]) AS n (k, v)';

function insert(table: string, select: string): string {
  return `INSERT INTO ${table} AS held (key, value, updated_at) ${select} ${onConflict}`;
}

/** Updates first, and inserts what was not there: cheaper where most keys are held. */
function updateThenInsert(table: string): string {
  return `WITH n AS MATERIALIZED (SELECT k, v FROM unnest($1::uuid[], $2::bigint[]) AS n (k, v)),
    u AS (UPDATE ${table} AS t SET value = t.value + n.v, updated_at = now() FROM n WHERE t.key = n.k RETURNING t.key)
    ${insert(table, 'SELECT k, v, now() FROM n WHERE NOT EXISTS (SELECT FROM u WHERE u.key = n.k)')}`;
}

export const upserts: readonly Upsert[] = [
  {
    name: 'unnest of text arrays',
    add: (client, table, items) => run(client, insert(table, unnested), textArrays(items)),
  },
  {
    name: 'unnest of binary arrays',
    add: (client, table, items) => run(client, insert(table, unnested), binaryArrays(items)),
  },
  {
    name: 'UPDATE, then INSERT of the rest',
    add: (client, table, items) => run(client, updateThenInsert(table), binaryArrays(items)),
  },
  {
    name: 'binary COPY and INSERT … SELECT',
    prepare: async (client) => {
      await client.query('CREATE TEMP TABLE batch (key uuid, value bigint) ON COMMIT DELETE ROWS');
    },
    add: async (client, table, items) => {
      await client.query('BEGIN');
      const copy = client.query(copyFrom('COPY batch FROM STDIN WITH (FORMAT binary)'));
      await pipe(Readable.from([binaryRows(items)]), copy);
      await run(client, insert(table, 'SELECT key, value, now() FROM batch'), []);
      await client.query('COMMIT');
    },
  },
];

/** A statement of its own is a transaction of its own: no BEGIN and COMMIT to wait for. */
async function run(client: Client, text: string, values: readonly unknown[]): Promise<void> {
  await client.query({ name: `upsert ${String(text.length)}`, text, values: [...values] });
}

/** Offsets of the items in the order of their keys; almost always the first six bytes decide. */
function sorted(items: Buffer): readonly number[] {
  const offsets = Array.from({ length: items.length / itemBytes }, (_, index) => index * itemBytes);
  const prefixes = Float64Array.from(offsets, (at) => items.readUIntBE(at, prefixBytes));
  const order = Uint32Array.from(offsets.keys()).sort(
    (left, right) =>
      (prefixes[left] ?? 0) - (prefixes[right] ?? 0) ||
      items.compare(
        items,
        right * itemBytes,
        right * itemBytes + itemKeyBytes,
        left * itemBytes,
        left * itemBytes + itemKeyBytes,
      ),
  );
  return Array.from(order, (index) => index * itemBytes);
}

function textArrays(items: Buffer): readonly string[] {
  const order = sorted(items);
  const keys = order.map((at) => uuidText(items, at));
  const values = order.map((at) => items.readBigInt64BE(at + itemKeyBytes).toString());
  return [`{${keys.join()}}`, `{${values.join()}}`];
}

function binaryArrays(items: Buffer): readonly Buffer[] {
  const order = sorted(items);
  return [
    binaryArray(items, order, { oid: uuidOid, from: 0, bytes: itemKeyBytes }),
    binaryArray(items, order, {
      oid: bigintOid,
      from: itemKeyBytes,
      bytes: itemBytes - itemKeyBytes,
    }),
  ];
}

/** Dimensions, no nulls, element type, length, lower bound; then each element with its length. */
function binaryArray(
  items: Buffer,
  order: readonly number[],
  part: { readonly oid: number; readonly from: number; readonly bytes: number },
): Buffer {
  const head = [1, 0, part.oid, order.length, 1];
  const array = Buffer.allocUnsafe(4 * head.length + order.length * (4 + part.bytes));
  let end = 0;
  for (const word of head) end = array.writeInt32BE(word, end);
  for (const at of order) {
    end = array.writeInt32BE(part.bytes, end);
    end += items.copy(array, end, at + part.from, at + part.from + part.bytes);
  }
  return array;
}

const copyHead = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const copyEnd = Buffer.from([0xff, 0xff]);

function binaryRows(items: Buffer): Buffer {
  const order = sorted(items);
  const valueBytes = itemBytes - itemKeyBytes;
  const rows = Buffer.allocUnsafe(order.length * (2 + 4 + itemKeyBytes + 4 + valueBytes));
  let end = 0;
  for (const at of order) {
    end = rows.writeInt16BE(2, end);
    end = rows.writeInt32BE(itemKeyBytes, end);
    end += items.copy(rows, end, at, at + itemKeyBytes);
    end = rows.writeInt32BE(valueBytes, end);
    end += items.copy(rows, end, at + itemKeyBytes, at + itemBytes);
  }
  return Buffer.concat([copyHead, rows, copyEnd]);
}
