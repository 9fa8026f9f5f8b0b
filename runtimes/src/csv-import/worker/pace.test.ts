import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

const chunkMs = 400;

/** The pauses of a worker whose commits take this long. */
function paused(pace: Pace, commits: readonly number[]): number[] {
  return commits.map((commitMs) => {
    pace.loaded({ chunkMs, commitMs });
    return pace.pauseMs;
  });
}

const times = (count: number, value: number): number[] =>
  Array.from({ length: count }, () => value);

describe('the pace of a worker', () => {
  it('is full while commits are quick, and on a disk that is always slow', () => {
    expect(paused(new Pace(), times(50, 8))).toEqual(times(50, 0));
    expect(paused(new Pace(), times(50, 900))).toEqual(times(50, 0));
  });

  it('is not changed by one commit at a checkpoint', () => {
    expect(paused(new Pace(), [...times(10, 40), 150, ...times(10, 40)])).toEqual(times(21, 0));
  });

  it('falls while commits take many times as long, and never to nothing', () => {
    const pace = new Pace();
    paused(pace, times(10, 20));

    const pauses = paused(pace, times(12, 800));

    expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
    expect(pace.share).toBe(0.1);
    expect(pauses.at(-1)).toBeCloseTo(9 * chunkMs);
  });

  it('comes back with commits that are quick again', () => {
    const pace = new Pace();
    paused(pace, [...times(10, 20), ...times(6, 800)]);
    expect(pace.share).toBeLessThan(0.5);

    paused(pace, times(40, 20));

    expect(pace.share).toBe(1);
  });

  it('believes in the end that a disk has become slow', () => {
    const pace = new Pace();
    paused(pace, [...times(10, 60), ...times(300, 500)]);

    expect(pace.share).toBe(1);
  });

  it('falls when the server has no connection left, and a pause is bounded', () => {
    const pace = new Pace();
    for (let times = 0; times < 10; times += 1) pace.refused();

    pace.loaded({ chunkMs: 60_000, commitMs: 10 });

    expect(pace.pauseMs).toBe(10_000);
  });

  it('is told at most once a second, and not before there was a commit', () => {
    const pace = new Pace();

    expect(pace.report(0)).toBeUndefined();
    pace.loaded({ chunkMs, commitMs: 12 });
    expect(pace.report(0)).toEqual({ chunkMs, commitMs: 12, usualMs: 12, share: 1 });
    expect(pace.report(999)).toBeUndefined();
    expect(pace.report(1_000)).toBeDefined();
  });
});
