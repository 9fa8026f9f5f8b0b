import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { ManualClock } from '../../test/manual-clock.ts';
import { defaultPollLimits, ProgressPoller, type PollLimits } from './progress-poller.ts';
import type { PollResult } from './telemetry.ts';

interface Answer {
  readonly done: number;
}

function parse(body: unknown): Answer | undefined {
  const isAnswer = typeof body === 'object' && body !== null && 'done' in body;
  return isAnswer && typeof body.done === 'number' ? { done: body.done } : undefined;
}

function poller(fetchPage: typeof fetch, limits: Partial<PollLimits> = {}) {
  const clock = new ManualClock();
  const changed: string[] = [];
  const results: PollResult[] = [];
  const stop = new AbortController();
  const made = new ProgressPoller<Answer>({
    clock,
    fetch: fetchPage,
    parse,
    onChange: (key) => changed.push(key),
    onPolled: (result) => results.push(result),
    limits: { ...defaultPollLimits, ...limits },
  });
  const running = made.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { poller: made, clock, changed, results, end };
}

const target = { id: 'uid-1', url: 'http://127.0.0.1:9/progress' };

describe('progress poller', () => {
  it('wakes a key when the answer changes, and asks less often while it does not', async () => {
    let done = 0;
    let requests = 0;
    const made = poller(() => {
      requests++;
      return Promise.resolve(Response.json({ done }));
    });
    made.poller.track('a', target);
    await made.clock.advance(60_000);

    expect(made.changed).toEqual(['a']);
    expect(requests).toBeGreaterThan(55);
    expect(requests).toBeLessThan(65);
    const before = requests;
    for (; done < 20; done++) await made.clock.advance(500);
    await made.clock.advance(1_000);

    expect(requests - before).toBeGreaterThan(18);
    expect(made.poller.latest('a', target.id)).toEqual({ done: 20 });
    await made.end();
    expect(made.clock.sleepers).toBe(0);
  });

  it('asks quiet pods less often the more there are, so that half of its rate is left to busy ones', async () => {
    let requests = 0;
    const made = poller(() => {
      requests++;
      return Promise.resolve(Response.json({ done: 0 }));
    });
    for (let key = 0; key < 100; key++)
      made.poller.track(`key-${key}`, { ...target, id: `${key}` });
    await made.clock.advance(20_000);
    requests = 0;
    await made.clock.advance(40_000);

    expect(requests / 40).toBeGreaterThan(20);
    expect(requests / 40).toBeLessThanOrEqual(defaultPollLimits.perSecond / 2 + 3);
    await made.end();
  });

  it('lets pods rest that hardly ever have news, and asks the others no less for them', async () => {
    const asked: unknown[] = [];
    const made = poller((url) => {
      asked.push(url);
      return Promise.resolve(Response.json({ done: 0 }));
    });
    for (let key = 0; key < 60; key++) {
      made.poller.track(`rests-${key}`, { id: `${key}`, url: 'http://rests/', restMs: 60_000 });
    }
    made.poller.track('awake', { id: 'awake', url: 'http://awake/' });
    await made.clock.advance(70_000);
    asked.length = 0;
    await made.clock.advance(60_000);

    expect(asked.filter((url) => url === 'http://rests/')).toHaveLength(60);
    expect(asked.filter((url) => url === 'http://awake/').length).toBeGreaterThan(50);
    await made.end();
  });

  it('keeps the last answer and never wakes a key for a pod that fails', async () => {
    let isUp = true;
    const made = poller(() =>
      isUp ? Promise.resolve(Response.json({ done: 1 })) : Promise.reject(new Error('reset')),
    );
    made.poller.track('a', target);
    await made.clock.advance(10);
    isUp = false;
    await made.clock.advance(60_000);

    expect(made.changed).toEqual(['a']);
    expect(made.poller.latest('a', target.id)).toEqual({ done: 1 });
    expect(made.results).toContain('failed');
    await made.end();
  });

  it('forgets the answer of an earlier pod', async () => {
    let isUp = true;
    const made = poller(() =>
      Promise.resolve(isUp ? Response.json({ done: 1 }) : Response.error()),
    );
    made.poller.track('a', target);
    await made.clock.advance(10);
    isUp = false;

    made.poller.track('a', { ...target, id: 'uid-2' });
    await made.clock.advance(10);

    expect(made.poller.latest('a', 'uid-2')).toBeUndefined();
    await made.end();
  });

  it('wakes whoever asks with an answer that was asked for later, though it says nothing new', async () => {
    const made = poller(() => Promise.resolve(Response.json({ done: 1 })));
    made.poller.track('a', target);
    await made.clock.advance(30_000);
    const before = made.clock.monotonic();
    expect(made.changed).toEqual(['a']);
    expect(made.poller.heard('a', target.id)?.askedAt).toBeLessThan(before);

    made.poller.ask('a');
    await made.clock.advance(1_100);

    expect(made.changed).toEqual(['a', 'a']);
    expect(made.poller.heard('a', target.id)).toMatchObject({ value: { done: 1 } });
    expect(made.poller.heard('a', target.id)?.askedAt).toBeGreaterThanOrEqual(before);
    await made.clock.advance(60_000);
    expect(made.changed).toEqual(['a', 'a']);
    await made.end();
  });

  it('does not take the answer to an earlier question for the one that is asked for', async () => {
    const answers: ((response: Response) => void)[] = [];
    const made = poller(() => new Promise((resolve) => answers.push(resolve)));
    made.poller.track('a', target);
    await made.clock.advance(10);

    made.poller.ask('a');
    const asked = made.clock.monotonic();
    await made.clock.advance(500);
    answers[0]?.(Response.json({ done: 1 }));
    await made.clock.advance(10);
    expect(made.poller.heard('a', target.id)?.askedAt).toBeLessThan(asked);

    await made.clock.advance(1_100);
    answers[1]?.(Response.json({ done: 1 }));
    await made.clock.advance(10);
    expect(made.changed).toEqual(['a', 'a']);
    expect(made.poller.heard('a', target.id)?.askedAt).toBeGreaterThan(asked);
    await made.end();
  });

  it('asks no more than once in the shortest period, however often it is told to', async () => {
    let requests = 0;
    const made = poller(() => {
      requests++;
      return Promise.resolve(Response.json({ done: 1 }));
    });
    made.poller.track('a', target);
    for (let round = 0; round < 100; round++) {
      made.poller.ask('a');
      await made.clock.advance(100);
    }

    expect(requests).toBeGreaterThan(16);
    expect(requests).toBeLessThanOrEqual(21);
    await made.end();
  });

  it('asks a pod that does not answer less and less often, although somebody waits for it', async () => {
    let requests = 0;
    const made = poller(() => {
      requests++;
      return Promise.reject(new Error('reset'));
    });
    made.poller.track('a', target);
    made.poller.ask('a');
    await made.clock.advance(60_000);

    expect(requests).toBeLessThan(12);
    await made.end();
  });

  it('goes on from an answer when another pod is asked for the same', async () => {
    const made = poller(() => Promise.resolve(Response.json({ done: 1 })));
    made.poller.track('a', target);
    await made.clock.advance(10);

    made.poller.track('a', { ...target, url: 'http://127.0.0.2:9/progress' });

    expect(made.poller.heard('a', target.id)).toMatchObject({ value: { done: 1 } });
    await made.end();
  });

  it('stays within its rate for any number of keys', async () => {
    let requests = 0;
    const made = poller(() => Promise.resolve(Response.json({ done: ++requests })), {
      perSecond: 20,
    });
    for (let key = 0; key < 200; key++)
      made.poller.track(`key-${key}`, { ...target, id: `${key}` });

    await made.clock.advance(5_000);

    expect(requests).toBeGreaterThan(90);
    expect(requests).toBeLessThanOrEqual(101);
    await made.end();
  });

  it('has a bounded number of requests in flight however slow the pods are', async () => {
    let inFlight = 0;
    let most = 0;
    const made = poller(
      async (_url, init) => {
        most = Math.max(most, ++inFlight);
        await made.clock.sleep(500, init?.signal ?? undefined);
        inFlight--;
        return Response.json({ done: most });
      },
      { perSecond: 1_000, inFlight: 3 },
    );
    for (let key = 0; key < 50; key++) made.poller.track(`key-${key}`, { ...target, id: `${key}` });

    await made.clock.advance(5_000);

    expect(most).toBe(3);
    await made.end();
  });

  it('gives up on a pod that takes the request and never answers', async () => {
    const made = poller(
      (_url, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      { timeoutMs: 3_000 },
    );
    made.poller.track('a', target);
    await made.clock.advance(3_100);

    expect(made.results).toEqual(['failed']);
    await made.end();
  });
});

describe('progress poller over real HTTP', () => {
  const servers: { close(): void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function ask(listener: RequestListener): Promise<PollResult> {
    const server = createServer(listener);
    servers.push({ close: () => (server.closeAllConnections(), server.close()) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stop = new AbortController();
    const result = Promise.withResolvers<PollResult>();
    const made = new ProgressPoller<Answer>({
      clock: systemClock,
      fetch,
      parse,
      onChange: () => undefined,
      onPolled: result.resolve,
      limits: defaultPollLimits,
    });
    const running = made.run(stop.signal);
    made.track('a', { id: 'uid-1', url: `http://127.0.0.1:${port}/progress` });
    const outcome = await result.promise;
    stop.abort();
    await running;
    return outcome;
  }

  it('takes an answer', async () => {
    expect(await ask((_request, response) => response.end('{"done": 3}'))).toBe('changed');
  });

  it('takes no answer that is longer than a report can be', async () => {
    const long = JSON.stringify({ done: 3, padding: 'x'.repeat(70_000) });
    expect(await ask((_request, response) => response.end(long))).toBe('failed');
  });

  it('follows no redirection, since a pod must not send the operator elsewhere', async () => {
    const elsewhere: RequestListener = (request, response) => {
      if (request.url === '/else') response.end('{"done": 3}');
      else response.writeHead(302, { location: '/else' }).end();
    };
    expect(await ask(elsewhere)).toBe('failed');
  });

  it('believes nothing that is not a report', async () => {
    expect(await ask((_request, response) => response.end('<html>'))).toBe('invalid');
  });
});
