/**
 * Writes the file of the rounds: keys that meet within and across chunks, some in nearly every chunk;
 * quoted fields with line ends, separators and quotes; ragged and mistyped records; comments and blank
 * lines. What must become of it is counted while it is written, from what was meant and not from what
 * a parser of ours says.
 */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Random } from '../../load/random.ts';

export interface Expected {
  readonly bytes: number;
  readonly read: number;
  readonly rejected: number;
  readonly comments: number;
  readonly blank: number;
  readonly loaded: number;
  readonly superseded: number;
  /** Sum over keys of the number of the first, and of the last, accepted record with that key. */
  readonly firstSum: number;
  readonly lastSum: number;
}

interface Counts {
  read: number;
  rejected: number;
  comments: number;
  blank: number;
}

const hotKeys = 40;
const header = 'id,serial,name,note,amount,joined,active';
const notes = [
  'plain',
  '"two\nlines"',
  '"a, comma"',
  '"a ""quoted"" word"',
  '"#\n\n# no comment"',
  '',
];
const flushBytes = 1_048_576;

/** Deadly records kill only where pods are told so; see pod-main.ts. */
const deadlyWords = ['CRASH', 'LEAVE'] as const;

export interface InputOptions {
  readonly megabytes: number;
  readonly isDeadly: boolean;
}

export async function writeInput(
  file: string,
  { megabytes, isDeadly }: InputOptions,
  random: Random,
): Promise<Expected> {
  const out = createWriteStream(file);
  const counts: Counts = { read: 0, rejected: 0, comments: 0, blank: 0 };
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  let text = `# written for a chaos run\n${header}\n`;
  let bytes = 0;
  const flush = async (): Promise<void> => {
    bytes += Buffer.byteLength(text);
    if (!out.write(text)) await once(out, 'drain');
    text = '';
  };
  counts.comments += 1;
  const deadly = isDeadly ? deadlyWords.map((word) => ({ word, at: random.next() })) : [];
  for (let serial = 1; bytes + text.length < megabytes * 1_000_000; serial += 1) {
    const line = nextLine(serial, random);
    text += line.text;
    counts[line.what] += 1;
    if (line.what === 'rejected') counts.read += 1;
    if (line.what === 'read') {
      if (!first.has(line.key)) first.set(line.key, serial);
      last.set(line.key, serial);
    }
    const next = deadly.findIndex(({ at }) => bytes + text.length > at * megabytes * 1_000_000);
    for (const { word } of next < 0 ? [] : deadly.splice(next, 1)) {
      text += `${String(hotKeys)},${String(serial)},${word},,1,1600000000000,true\n`;
      counts.read += 1;
      counts.rejected += 1;
    }
    if (text.length >= flushBytes) await flush();
  }
  await flush();
  out.end();
  await once(out, 'close');
  return {
    ...counts,
    bytes,
    loaded: last.size,
    superseded: counts.read - counts.rejected - last.size,
    firstSum: sum(first),
    lastSum: sum(last),
  };
}

function sum(serials: ReadonlyMap<number, number>): number {
  return [...serials.values()].reduce((total, serial) => total + serial, 0);
}

interface Line {
  readonly text: string;
  readonly what: keyof Counts;
  readonly key: number;
}

function nextLine(serial: number, random: Random): Line {
  const kind = random.next();
  const key = keyOf(serial, random);
  const note = notes[random.below(notes.length)] ?? '';
  const cells = [
    String(key),
    String(serial),
    `name of ${String(serial)}`,
    note,
    (random.below(1_000_000) / 100).toFixed(2),
    String(1_600_000_000_000 + serial),
    serial % 2 === 0 ? 'true' : 'false',
  ];
  if (kind < 0.001) return { text: '\n', what: 'blank', key };
  if (kind < 0.002) return { text: `# about ${String(serial)}\n`, what: 'comments', key };
  if (kind < 0.003) return { text: `${cells.slice(0, 4).join(',')}\n`, what: 'rejected', key };
  if (kind < 0.004) cells[0] = `k${String(key)}`;
  else if (kind < 0.005) cells[4] = 'much';
  return { text: `${cells.join(',')}\n`, what: kind < 0.005 ? 'rejected' : 'read', key };
}

/** Mostly new keys; some seen not long ago, some seen anywhere, some seen all the time. */
function keyOf(serial: number, random: Random): number {
  const kind = random.next();
  if (kind < 0.01) return random.below(hotKeys);
  if (kind < 0.03) return hotKeys + Math.max(0, serial - random.below(500));
  if (kind < 0.05) return hotKeys + random.below(serial);
  return hotKeys + serial;
}
