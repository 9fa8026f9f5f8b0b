/**
 * `npm run bench -- csv-parser`: MB of our parser beside csv-parse and udsv on the same bytes, for
 * each second of CPU time, which depends far less than the clock on what else the machine does.
 *
 * Each parser is a process of its own, and they take turns on each file, so that what disturbs the
 * machine disturbs all alike. The first turn on a file does not count, nor does the first pass of
 * any turn.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { Encoding } from '@millrace/runtimes/csv/dialect';
import { machineLines } from '../machine.ts';
import { spreadOf, spreadText } from '../statistics.ts';
import type { Order, Timing } from './contestant.ts';
import { parsers } from './parsers.ts';
import { samples } from './samples.ts';

const usage = `Usage: npm run bench -- csv-parser [--rows 100000] [--runs 7]

  --rows  records of the plain file; the others are about as long (100000)
  --runs  turns of each parser on each file (7)`;

const passes = 2;

interface Contest {
  readonly name: string;
  readonly sample: string;
  readonly encoding: Encoding;
}

const contests: readonly Contest[] = [
  ...samples.map(({ name }) => ({ name, sample: name, encoding: 'UTF-8' as const })),
  { name: 'plain, UTF-16', sample: 'plain', encoding: 'UTF-16LE' },
];

export async function benchOfCsvParser(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '7' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const names = Object.keys(parsers);
  console.log(machineLines('csv-parser', args).join('\n'));
  console.log(`\n| MB a second of CPU, median (least–most) | ${names.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(names.length)}`);
  const processes = names.map((name) => fork(new URL('contestant.ts', import.meta.url), [name]));
  try {
    for (const contest of contests) {
      const order = { ...contest, rows: Number(values.rows), passes };
      const speeds = await compare(processes, order, Number(values.runs));
      const cells = speeds.map((speed) => spreadText(spreadOf(speed), 0));
      console.log(`| ${contest.name} | ${cells.join(' | ')} |`);
    }
  } finally {
    for (const one of processes) one.kill();
  }
  return 0;
}

/** The speeds of each parser, a list each. */
async function compare(
  processes: readonly ChildProcess[],
  order: Order,
  runs: number,
): Promise<number[][]> {
  const speeds: number[][] = processes.map(() => []);
  for (let run = 0; run <= runs; run += 1) {
    for (const [index, one] of processes.entries()) {
      const { bytes, microseconds } = await turn(one, order);
      if (run > 0) speeds[index]?.push(bytes / microseconds);
    }
  }
  return speeds;
}

async function turn(one: ChildProcess, order: Order): Promise<Timing> {
  one.send(order);
  const [timing] = (await once(one, 'message')) as [Timing];
  return timing;
}
