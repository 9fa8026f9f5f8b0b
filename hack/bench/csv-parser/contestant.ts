/**
 * A process of one parser: its heap and what the compiler learnt are its own. Told a file, it makes
 * it; told to go, it parses it once and answers with the time. Not for people: `main.ts` starts it.
 */
import { once } from 'node:events';
import { encodeText } from '@millrace/runtimes/csv/encoding';
import type { Encoding } from '@millrace/runtimes/csv/dialect';
import { parsers, type Yield } from './parsers.ts';
import { samples } from './samples.ts';

export interface Order {
  readonly sample: string;
  readonly rows: number;
  readonly encoding: Encoding;
  readonly passes: number;
}

export interface Timing {
  /** Bytes of the file. */
  readonly bytes: number;
  /** CPU time of all threads of the process for one pass, so the collector's work is in it. */
  readonly microseconds: number;
  readonly found: Yield;
}

export async function compete(parser: string): Promise<void> {
  const parse = parsers[parser];
  if (parse === undefined) throw new Error(`no parser ${parser}`);
  let file: { readonly key: string; readonly bytes: Buffer } | undefined;
  for (;;) {
    const [order] = (await once(process, 'message')) as [Order];
    const { sample, rows, encoding } = order;
    const key = [sample, rows, encoding].join(' ');
    if (file?.key !== key) file = { key, bytes: bytesOf(order) };
    const { bytes } = file;
    let found = parse(bytes, encoding);
    const start = process.cpuUsage();
    for (let pass = 0; pass < order.passes; pass += 1) found = parse(bytes, encoding);
    const { user, system } = process.cpuUsage(start);
    const microseconds = (user + system) / order.passes;
    process.send?.({ bytes: bytes.length, microseconds, found } satisfies Timing);
  }
}

function bytesOf({ sample, rows, encoding }: Order): Buffer {
  const text = samples.find(({ name }) => name === sample)?.text(rows) ?? '';
  return encodeText(text, encoding) ?? Buffer.alloc(0);
}

const [parser] = process.argv.slice(2);
if (process.send !== undefined && parser !== undefined) await compete(parser);
