import { describe, expect, it } from 'vitest';
import { workersWanted, type WorkersInput } from './workers-wanted.ts';

const loading: WorkersInput = {
  state: 'Loading',
  pending: 3,
  uncutBytes: 0,
  chunkBytes: 10,
};
/** Five workers that work all the time, two seconds a chunk. */
const crew = { workers: 5, shares: 5, chunkMs: 2_000, commitMs: 12, usualMs: 10 };

describe('the number of useful workers', () => {
  it.each<[string, Partial<WorkersInput>, number]>([
    ['one a pending chunk', {}, 3],
    ['more for what is not cut yet', { uncutBytes: 11 }, 5],
    ['never more connections than all imports can share', { pending: 100 }, 32],
    ['none when nothing is left', { pending: 0 }, 0],
    ['none while waiting', { state: 'Waiting' }, 0],
    ['none while verifying', { state: 'Verifying' }, 0],
    ['what is worth its start where chunks are short', { pending: 40, crew }, 32],
    ['fewer where they are shorter still', { pending: 40, crew: { ...crew, chunkMs: 400 } }, 8],
    ['not fewer than work now', { pending: 40, crew: { ...crew, chunkMs: 5 } }, 5],
    ['what the server has connections for, less a fifth', { pending: 40, connections: 20 }, 8],
    ['one at least, however few connections there are', { pending: 40, connections: 0 }, 1],
    ['what commits have room for', { pending: 40, crew, knee: 3 }, 3],
    ['never more than chunks, whatever there is room for', { pending: 2, crew, knee: 9 }, 2],
  ])('is %s', (_why, change, wanted) => {
    expect(workersWanted({ ...loading, ...change }).wanted).toBe(wanted);
  });

  it.each<[string, Partial<WorkersInput>, string]>([
    ['what is left', { uncutBytes: 25 }, '3 chunks pending + about 3 to cut'],
    [
      'the bound on connections',
      { pending: 33 },
      '33 chunks pending + about 0 to cut, at most 32 by connections',
    ],
    [
      'connections that the server has not got',
      { pending: 33, connections: 10 },
      '33 chunks pending + about 0 to cut, at most 4 by connections: the server has 10 to give',
    ],
    [
      'commits that became slow',
      { pending: 33, knee: 2, crew: { ...crew, commitMs: 812 } },
      '33 chunks pending + about 0 to cut, at most 2 by commits: with more, one took 0.81 s, not 0.01 s',
    ],
    [
      'work that is short',
      { pending: 33, crew: { ...crew, chunkMs: 400 } },
      '33 chunks pending + about 0 to cut, at most 7 by work: a chunk takes 0.4 s',
    ],
  ])('says %s', (_what, change, why) => {
    expect(workersWanted({ ...loading, ...change }).why).toBe(why);
  });

  it('comes with its inputs, of which two digits are shown', () => {
    const { inputs } = workersWanted({
      ...loading,
      crew: { workers: 4, shares: 2.5, chunkMs: 1_234, commitMs: 56.7, usualMs: 7.89 },
      knee: 3,
      connections: 41,
    });

    expect(inputs).toEqual({
      chunksLeft: 3,
      present: 4,
      chunkSeconds: 1.2,
      commitSeconds: 0.057,
      usualCommitSeconds: 0.0079,
      paceRatio: 0.63,
      connectionsFree: 41,
      usefulMax: 3,
    });
  });
});
