import { describe, expect, it } from 'vitest';
import { inOneCall } from './one-call.ts';

describe('asking in one call', () => {
  it('gives each who asks in one turn its own answer, of calls of at most 64', async () => {
    const calls: number[] = [];
    const ask = inOneCall(async (asked) => {
      calls.push(asked.length);
      return asked.map((what) => `answer to ${what}`);
    });

    const answers = await Promise.all(Array.from({ length: 70 }, (_, at) => ask(String(at))));
    const alone = await ask('alone');

    expect(answers).toEqual(Array.from({ length: 70 }, (_, at) => `answer to ${String(at)}`));
    expect([alone, calls]).toEqual(['answer to alone', [64, 6, 1]]);
  });

  it('sends nothing before the last of a turn has asked', async () => {
    const events: string[] = [];
    const ask = inOneCall(async (asked) => {
      events.push(`sent ${asked.join()}`);
      return asked;
    });

    const first = ask('first');
    await Promise.resolve();
    events.push('asking');
    await Promise.all([first, ask('second')]);

    expect(events).toEqual(['asking', 'sent first,second']);
  });

  it('fails all who share a call, and nobody else', async () => {
    let calls = 0;
    const ask = inOneCall(async (asked) => {
      calls += 1;
      if (calls === 1) throw new Error('away');
      return asked;
    });

    const together = await Promise.allSettled([ask('a'), ask('b')]);

    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await ask('c')).toBe('c');
  });
});
