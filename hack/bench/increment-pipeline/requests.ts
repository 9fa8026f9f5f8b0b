/** Requests as bytes, made before the load begins; pure. */
import { keyAt, valueAt, type KeySet } from './keys.ts';

export type BatchFormat = 'array' | 'ndjson';

const contentTypes: Readonly<Record<BatchFormat, string>> = {
  array: 'application/json',
  ndjson: 'application/x-ndjson',
};

function post(path: string, contentType: string, body: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    `content-type: ${contentType}`,
    `content-length: ${String(Buffer.byteLength(body))}`,
  ].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

function item(keys: KeySet, index: number): string {
  return `{"key":"${keyAt(keys, index)}","value":${String(valueAt(index))}}`;
}

/** One POST /increment for each key. */
export function singleRequests(keys: KeySet): readonly Buffer[] {
  return Array.from({ length: keys.many }, (_, index) =>
    post('/increment', 'application/json', item(keys, index)),
  );
}

export interface Batch {
  readonly bytes: Buffer;
  /** Indexes of its keys. */
  readonly indexes: Uint32Array;
}

export interface BatchPlan {
  readonly keys: KeySet;
  readonly batches: number;
  readonly items: number;
  readonly format: BatchFormat;
}

/** POST /increments; one batch continues with the keys where the one before it ended. */
export function batchRequests({ keys, batches, items, format }: BatchPlan): readonly Batch[] {
  return Array.from({ length: batches }, (_, batch) => {
    const indexes = Uint32Array.from(
      { length: items },
      (_item, place) => (batch * items + place) % keys.many,
    );
    const texts = Array.from(indexes, (index) => item(keys, index));
    const body = format === 'array' ? `[${texts.join()}]` : `${texts.join('\n')}\n`;
    return { bytes: post('/increments', contentTypes[format], body), indexes };
  });
}
