import { describe, expect, it } from 'vitest';
import { conditions, type Claim } from './conditions.ts';

const ready: Claim = { type: 'Ready', status: 'True', reason: 'Complete', message: 'Done.' };

describe('conditions', () => {
  it('are sorted by type, so that equal claims are equal text', () => {
    const claims = [{ ...ready, type: 'Stalled' }, ready, { ...ready, type: 'Complete' }];

    const made = conditions(claims, { previous: undefined, generation: 3, now: 'now' });

    expect(made.map(({ type }) => type)).toEqual(['Complete', 'Ready', 'Stalled']);
    expect(made.every(({ observedGeneration }) => observedGeneration === 3)).toBe(true);
  });

  it('keep the time of their transition until the status flips, whatever the reason does', () => {
    const first = conditions([ready], { previous: undefined, generation: 1, now: 'first' });
    const second = conditions([{ ...ready, reason: 'Other' }], {
      previous: first,
      generation: 2,
      now: 'second',
    });
    const third = conditions([{ ...ready, status: 'False' }], {
      previous: second,
      generation: 2,
      now: 'third',
    });

    expect(second[0]).toMatchObject({ lastTransitionTime: 'first', reason: 'Other' });
    expect(third[0]?.lastTransitionTime).toBe('third');
  });
});
