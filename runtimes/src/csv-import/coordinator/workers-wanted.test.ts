import { describe, expect, it } from 'vitest';
import { workersWanted, type WorkersInput } from './workers-wanted.ts';

const loading: WorkersInput = {
  state: 'Loading',
  pending: 3,
  uncutBytes: 0,
  chunkBytes: 10,
};

describe('the number of useful workers', () => {
  it.each<[string, Partial<WorkersInput>, number]>([
    ['one a pending chunk', {}, 3],
    ['more for what is not cut yet', { uncutBytes: 11 }, 5],
    ['never more connections than all imports can share', { pending: 100 }, 32],
    ['none when nothing is left', { pending: 0 }, 0],
    ['none while waiting', { state: 'Waiting' }, 0],
    ['none while verifying', { state: 'Verifying' }, 0],
  ])('is %s', (_why, change, wanted) => {
    expect(workersWanted({ ...loading, ...change }).wanted).toBe(wanted);
  });

  it('comes with its arithmetic', () => {
    expect(workersWanted({ ...loading, uncutBytes: 25 }).why).toBe(
      '3 chunks pending + about 3 to cut',
    );
    expect(workersWanted({ ...loading, pending: 33 }).why).toBe(
      '33 chunks pending + about 0 to cut, at most 32 by connections',
    );
  });
});
