import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import type { KubeApi, KubeObject, ListOptions, ResourceType, WatchEvent } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import { Reflector } from './reflector.ts';
import { Store, type Change } from './store.ts';

const type: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

/** A server of one type that can be told to misbehave; its history is what watches read. */
class Server implements Pick<KubeApi, 'list' | 'watch'> {
  readonly objects = new Map<string, KubeObject>();
  #history: { version: number; event: WatchEvent }[] = [];
  #version = 1;
  #uids = 0;
  #oldest = 0;
  #waiting = new Set<() => void>();
  #breaks = new Set<(failure: KubeFailure | undefined) => void>();
  failingLists = 0;
  /** Why nothing is served of the type, if so. */
  absent: 'NotFound' | 'Forbidden' | undefined;
  /** Ends each watch before it brings anything. */
  isRefusing = false;
  lists = 0;
  watches = 0;

  put(name: string): void {
    const held = this.objects.get(name);
    const uid = held?.metadata.uid ?? `uid-${++this.#uids}`;
    const object = this.#object(name, uid);
    this.objects.set(name, object);
    this.#publish({ type: held === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  remove(name: string): void {
    const held = this.objects.get(name);
    if (held === undefined) return;
    this.objects.delete(name);
    this.#publish({ type: 'DELETED', object: this.#object(name, held.metadata.uid ?? '') });
  }

  bookmark(): void {
    this.#version++;
    this.#publish({ type: 'BOOKMARK', resourceVersion: String(this.#version) });
  }

  /** Forgets the history: whoever resumes from before must list. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#version;
  }

  /** Ends all watches that are open, with a failure or as a server does at its time limit. */
  breakWatches(failure?: KubeFailure): void {
    for (const end of this.#breaks) end(failure);
  }

  list(): Promise<{ items: KubeObject[]; resourceVersion: string }> {
    this.lists++;
    if (this.absent !== undefined) return Promise.reject(new KubeFailure(this.absent, 'no'));
    if (this.failingLists-- > 0) return Promise.reject(new KubeFailure('Unavailable', 'down'));
    return Promise.resolve({
      items: [...this.objects.values()],
      resourceVersion: String(this.#version),
    });
  }

  async *watch(
    _type: ResourceType,
    options: { readonly resourceVersion: string; readonly signal: AbortSignal },
  ): AsyncIterable<WatchEvent> {
    this.watches++;
    if (this.isRefusing) {
      // A loop without a pause would hang the test instead of failing it.
      if (this.watches > 1_000) throw new Error('asked in a busy loop');
      return;
    }
    let from = Number(options.resourceVersion);
    let ended: { failure: KubeFailure | undefined } | undefined;
    const end = (failure: KubeFailure | undefined): void => {
      ended = { failure };
      this.#wake();
    };
    this.#breaks.add(end);
    const onAbort = (): void => end(undefined);
    options.signal.addEventListener('abort', onAbort);
    try {
      while (ended === undefined) {
        if (from < this.#oldest) throw new KubeFailure('Gone', 'too old');
        const next = this.#history.find(({ version }) => version > from);
        if (next === undefined) {
          await new Promise<void>((resolve) => this.#waiting.add(resolve));
          continue;
        }
        from = next.version;
        yield next.event;
      }
      if (ended.failure !== undefined) throw ended.failure;
    } finally {
      this.#breaks.delete(end);
      options.signal.removeEventListener('abort', onAbort);
    }
  }

  get openWatches(): number {
    return this.#breaks.size;
  }

  #object(name: string, uid: string): KubeObject {
    this.#version++;
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'team', name, uid, resourceVersion: String(this.#version) },
    };
  }

  #publish(event: WatchEvent): void {
    this.#history.push({ version: this.#version, event });
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function reflect(server: Server, how: { readonly isOptional?: boolean } = {}) {
  const clock = new ManualClock();
  const store = new Store();
  const changes: Change[] = [];
  const stop = new AbortController();
  const restarts: string[] = [];
  const asked: ListOptions[] = [];
  const reflector = new Reflector({
    ...how,
    api: {
      list: (_type, options = {}) => {
        asked.push(options);
        return server.list();
      },
      watch: (given, options) => {
        asked.push(options);
        return server.watch(given, options);
      },
    },
    type,
    scope: {},
    store,
    clock,
    random: () => 0.5,
    events: { watchRestarted: ({ reason }) => restarts.push(reason) },
    onChange: (change) => changes.push(change),
  });
  const running = reflector.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { clock, store, changes, reflector, restarts, asked, end };
}

function contents(objects: Iterable<KubeObject>): string[] {
  return [...objects]
    .map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`)
    .toSorted();
}

describe('reflector', () => {
  it('resumes from the last version when a watch breaks, without listing again', async () => {
    const server = new Server();
    server.put('a');
    const { clock, store, restarts, end } = reflect(server);
    await turns(2);

    server.breakWatches(new KubeFailure('Unavailable', 'reset'));
    server.put('b');
    await clock.advance(2_000);

    expect(contents(store.all())).toEqual(contents(server.objects.values()));
    expect(server.lists).toBe(1);
    expect(restarts).toEqual(['Unavailable']);
    await end();
  });

  it('lists again when its version is too old, and tells a deletion and a new object of the same name', async () => {
    const server = new Server();
    server.put('a');
    const { clock, changes, store, end } = reflect(server);
    await turns(2);
    changes.length = 0;

    server.breakWatches(new KubeFailure('Unavailable', 'reset'));
    server.remove('a');
    server.put('a');
    server.compact();
    await clock.advance(2_000);

    expect(server.lists).toBe(2);
    expect(changes.map(({ before, after }) => [before?.metadata.uid, after?.metadata.uid])).toEqual(
      [
        ['uid-1', undefined],
        [undefined, 'uid-2'],
      ],
    );
    expect(contents(store.all())).toEqual(contents(server.objects.values()));
    await end();
  });

  it('marks what the first list brings, and only that, as initial', async () => {
    const server = new Server();
    server.put('a');
    const { changes, end } = reflect(server);
    await turns(2);
    server.put('b');
    await turns(2);

    expect(changes.map(({ initial }) => initial)).toEqual([true, false]);
    await end();
  });

  it('waits longer with each failed list and is synced once one succeeds', async () => {
    const server = new Server();
    server.failingLists = 3;
    const { clock, reflector, end } = reflect(server);
    let isSynced = false;
    void reflector.synced.then(() => (isSynced = true));

    await clock.advance(2_900);
    expect([isSynced, server.lists]).toEqual([false, 2]);
    expect(reflector.staleMs).toBeGreaterThan(2_000);
    await clock.advance(4_200);

    expect([isSynced, server.lists]).toEqual([true, 4]);
    expect(reflector.staleMs).toBe(0);
    await end();
  });

  it.each(['NotFound', 'Forbidden'] as const)(
    'takes what is optional and %s for nothing at all, until it is served',
    async (absent) => {
      const server = new Server();
      server.absent = absent;
      const { clock, reflector, restarts, store, end } = reflect(server, { isOptional: true });
      await reflector.synced;
      expect([contents(store.all()), reflector.staleMs]).toEqual([[], 0]);

      server.absent = undefined;
      server.put('a');
      await clock.advance(60_000);
      expect(contents(store.all())).toEqual(contents(server.objects.values()));

      server.absent = absent;
      server.breakWatches(new KubeFailure(absent, 'gone'));
      await clock.advance(5_000);
      expect([contents(store.all()), reflector.staleMs]).toEqual([[], 0]);
      expect(restarts, 'a watch that ended, and no list that failed').toEqual([absent]);
      await end();
    },
  );

  it('opens a new watch now and then, since a dead connection looks like a quiet one', async () => {
    const server = new Server();
    const { clock, end } = reflect(server);
    await turns(2);

    await clock.advance(460_000);

    expect(server.watches).toBe(2);
    expect(server.openWatches).toBe(1);
    await end();
  });

  it('does not ask in a busy loop when every watch ends at once', async () => {
    const server = new Server();
    server.isRefusing = true;
    const { clock, end } = reflect(server);

    await clock.advance(60_000);

    expect(server.watches).toBeGreaterThan(30);
    expect(server.watches).toBeLessThanOrEqual(62);
    await end();
  });

  it('waits for as long as a server that is busy asks, within its own longest wait', async () => {
    const server = new Server();
    const { clock, end } = reflect(server);
    await turns(2);
    const busy = (retryAfterMs: number) =>
      new KubeFailure('TooManyRequests', 'busy', { retryAfterMs });

    server.breakWatches(busy(20_000));
    await clock.advance(19_999);
    const early = server.watches;
    await clock.advance(1);
    const asked = server.watches;
    server.breakWatches(busy(3_600_000));
    await clock.advance(60_000);

    expect([early, asked, server.watches]).toEqual([1, 2, 3]);
    await end();
  });

  it('lists anew when a watch is answered with nonsense three times, and not when the server is away', async () => {
    const server = new Server();
    server.put('a');
    const { clock, store, end } = reflect(server);
    await turns(2);

    for (let count = 0; count < 6; count++) {
      server.breakWatches(new KubeFailure('Unavailable', 'reset'));
      await clock.advance(120_000);
    }
    const listsWhenAway = server.lists;
    for (let count = 0; count < 3; count++) {
      server.breakWatches(new KubeFailure('InternalError', 'it sent what is not an event'));
      await clock.advance(120_000);
    }

    expect([listsWhenAway, server.lists]).toEqual([1, 2]);
    expect(contents(store.all())).toEqual(contents(server.objects.values()));
    await end();
  });

  it('asks for lists and watches whose objects are trimmed as they come', async () => {
    const server = new Server();
    const { store, asked, end } = reflect(server);
    await turns(2);

    expect(asked.map(({ trim }) => trim)).toEqual([store.trim, store.trim]);
    await end();
  });

  it('leaves no watch and no timer behind when it ends', async () => {
    const server = new Server();
    const { clock, end } = reflect(server);
    await turns(2);

    await end();

    expect([server.openWatches, clock.sleepers]).toEqual([0, 0]);
  });

  it('ends with the content of the server after any sequence of changes and faults, each told once', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          op: fc.constant('put' as const),
          name: fc.constantFrom('a', 'b', 'c'),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constant('remove' as const),
          name: fc.constantFrom('a', 'b', 'c'),
        }),
      },
      fc.record({ op: fc.constantFrom('break', 'end', 'compact', 'bookmark', 'fail', 'wait') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const server = new Server();
        const { clock, store, changes, end } = reflect(server);
        for (const given of steps) await disturb(server, given, clock);
        await clock.advance(300_000);

        expect(contents(store.all())).toEqual(contents(server.objects.values()));
        expect(contents(replay(changes))).toEqual(contents(store.all()));
        await end();
        expect(clock.sleepers).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

type Disturbance =
  | { readonly op: 'put' | 'remove'; readonly name: string }
  | { readonly op: string };

async function disturb(server: Server, step: Disturbance, clock: ManualClock): Promise<void> {
  if ('name' in step) {
    if (step.op === 'put') server.put(step.name);
    else server.remove(step.name);
  } else if (step.op === 'break') server.breakWatches(new KubeFailure('Unavailable', 'reset'));
  else if (step.op === 'end') server.breakWatches();
  else if (step.op === 'compact') server.compact();
  else if (step.op === 'bookmark') server.bookmark();
  else if (step.op === 'fail') server.failingLists = 2;
  else await clock.advance(1_500);
  await turns(1);
}

/** What a listener that starts empty knows after being told of every change. */
function replay(changes: readonly Change[]): Iterable<KubeObject> {
  const known = new Map<string, KubeObject>();
  for (const { before, after } of changes) {
    const uid = (after ?? before)?.metadata.uid ?? '';
    expect(known.get(uid)?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    if (after === undefined) known.delete(uid);
    else known.set(uid, after);
  }
  return known.values();
}
