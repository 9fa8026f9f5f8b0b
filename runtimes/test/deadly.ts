/**
 * Loaded before a runtime with `--import`, it makes records kill the process that types them: by a
 * crash, by a full heap, by an exit without a word. No record of a real file can do that on purpose,
 * so the product has no switch for it.
 */
import { RowEncoder } from '../src/rows/row-encoder.ts';

type Encode = typeof RowEncoder.prototype.encode;

const typed = Reflect.get(RowEncoder.prototype, 'encode') as Encode;
const exit = Reflect.get(process, 'exit') as (code: number) => never;

RowEncoder.prototype.encode = function encode(record, batch) {
  const text = record.bytes.subarray(record.start, record.end).toString('latin1');
  if (text.includes('CRASH')) process.abort();
  if (text.includes('LEAVE')) exit(0);
  if (text.includes('THROW')) throw new TypeError('a mistake in the program');
  if (text.includes('FILL')) fillHeap();
  return typed.call(this, record, batch);
};

function fillHeap(): never {
  const kept: string[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, n) => `kept ${n}`));
}
