/**
 * Loaded before a runtime with `--import`, it makes records kill the process that types them: by a
 * crash, by a full heap, by memory beside the heap, by an exit without a word, by never ending. No
 * record of a real file can do that on purpose, so the product has no switch for it.
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
  if (text.includes('HOARD')) hoard();
  if (text.includes('SPIN')) for (;;);
  return typed.call(this, record, batch);
};

function fillHeap(): never {
  const kept: string[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, n) => `kept ${n}`));
}

/** Slowly enough for the tests' host, and not for ever. */
function hoard(): never {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const kept: Buffer[] = [];
  while (kept.length < 64) {
    kept.push(Buffer.alloc(16 * 1_048_576, 1));
    Atomics.wait(pause, 0, 0, 20);
  }
  throw new Error('nobody minded');
}
