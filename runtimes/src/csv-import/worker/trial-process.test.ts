import { describe, expect, it } from 'vitest';
import { trialProcess, type TrialEnd } from './trial-process.ts';

const beginning = `
const { writeSync } = require('node:fs');
const say = (it) => writeSync(3, JSON.stringify(it) + '\\n');
const usedMs = () => Object.values(process.cpuUsage()).reduce((sum, each) => sum + each) / 1000;
const spin = (ms) => {
  const endMs = usedMs() + ms;
  while (usedMs() < endMs) for (let turn = 0; turn < 1e6; turn += 1);
};
`;

/** A program that does what a trial would, and may compute for a second. */
async function tried(program: string): Promise<TrialEnd> {
  const run = trialProcess({
    entry: ['-e', `${beginning}${program}`],
    execArgv: [],
    env: {},
    heapMb: 64,
    memoryBytesMax: 2 ** 40,
    processorMsMax: 1_000,
    deadlineMs: 60_000,
  });
  return await run({ chunk: 0, attempt: '0', from: 0, to: 1, poison: [], isKept: false });
}

describe('a trial in a stream', () => {
  it('may compute as long as it takes to come to its chunk, and no longer', async () => {
    const [patient, spinning] = await Promise.all([
      tried(
        `say({ at: 'Approaching' }); spin(1500); say({ at: 'Arrived' }); say({ end: 'Skipped', why: 'Done' });`,
      ),
      tried(`say({ at: 'Approaching' }); say({ at: 'Arrived' }); spin(60000);`),
    ]);

    expect(patient).toEqual({ end: 'Skipped', why: 'Done' });
    expect(spinning).toEqual({ end: 'Died', cause: 'Spinning' });
  });
});
