import { expect, it } from 'vitest';
import { waitFor, waitUntil } from './waiting.ts';

it('says what was waited for, for how long, and how it looked last', async () => {
  let looks = 0;
  const waiting = waitUntil('the tide', 20, async () => {
    looks += 1;
    return [false, `look ${String(looks > 1)}`];
  });

  await expect(waiting).rejects.toThrow('waited 0 s for the tide; last seen: look true');
});

it('goes on after a look that failed, and says so when it was the last', async () => {
  let looks = 0;
  const look = async (): Promise<{ readonly found: number }> => {
    looks += 1;
    if (looks === 1) throw new Error('no answer');
    return { found: looks };
  };

  expect(await waitFor({ what: 'an answer', withinMs: 5_000, everyMs: 1, look })).toBe(2);
  const failing = async (): Promise<never> => {
    throw new Error('no answer');
  };
  const inVain = waitFor({ what: 'an answer', withinMs: 0, everyMs: 1, look: failing });
  await expect(inVain).rejects.toThrow('last seen: no answer');
});

it('gives up at once on what will never be', async () => {
  const look = async () => ({ hopeless: 'it has ended' });

  const waiting = waitFor({ what: 'the server', withinMs: 60_000, look });

  await expect(waiting).rejects.toThrow('the server will not be: it has ended');
});
