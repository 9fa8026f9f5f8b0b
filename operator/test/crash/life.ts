/**
 * One process of the operator, from its start until it is ended at one exact call.
 *
 * Everything the operator touches goes through here: API, clock, HTTP. When the life ends, nothing of
 * it answers any more: no call returns, no timer fires, no watch delivers. That is what SIGKILL looks
 * like from inside; making calls fail instead would let the dead run its error handling. Calls are
 * numbered from 0 within the life, watches too, since opening one is a call.
 */
import type { Clock } from '@millrace/kit/clock';
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  ObjectList,
  ObjectRef,
  Preconditions,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from '../../src/machinery/kube-api.ts';
import { KubeFailure } from '../../src/machinery/kube-failure.ts';
import { turns } from '../manual-clock.ts';
import type { SideEffects } from './side-effects.ts';
import type { World } from './world.ts';

export type Verb = keyof KubeApi;

export interface Call {
  readonly index: number;
  readonly verb: Verb;
  readonly type: ResourceType;
  readonly ref: ObjectRef | undefined;
}

interface Target {
  readonly type: ResourceType;
  readonly ref: ObjectRef | undefined;
  readonly preconditions?: Preconditions | undefined;
}

/**
 * Events to deliver for one that came. `lost`: the connection is dead and nobody noticed; it delivers
 * nothing more, and ends in `Gone` two seconds later.
 */
export type Delivery = readonly WatchEvent[] | 'lost';

const lostForMs = 2_000;

/** What goes wrong in a life. Each hook may wait, may end the life, and may throw a failure. */
export interface Disturbance {
  /** The call has not happened. */
  readonly before?: (call: Call, life: Life) => Promise<void> | void;
  /** The call has happened, or was refused; its answer has not arrived. */
  readonly after?: (call: Call, life: Life) => Promise<void> | void;
  /** What a list answers instead of the truth. */
  readonly list?: (type: ResourceType, options: ListOptions) => ObjectList | undefined;
  /** Events are numbered from 0 within the life, over all watches. */
  readonly event?: (event: WatchEvent, index: number) => Promise<Delivery> | Delivery;
}

const writes: ReadonlySet<Verb> = new Set([
  'create',
  'apply',
  'applyStatus',
  'patch',
  'scale',
  'delete',
]);

export function isWrite({ verb }: Call): boolean {
  return writes.has(verb);
}

export function described({ verb, type, ref }: Call): string {
  return ref === undefined ? `${verb} ${type.plural}` : `${verb} ${type.kind}/${ref.name}`;
}

export class Life {
  readonly calls: Call[] = [];
  events = 0;
  #isEnded = false;
  #world: World;
  #disturbance: Disturbance;
  #effects: SideEffects;

  constructor(
    world: World,
    { disturbance, effects }: { disturbance: Disturbance; effects: SideEffects },
  ) {
    this.#world = world;
    this.#disturbance = disturbance;
    this.#effects = effects;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
  }

  readonly clock: Clock = {
    now: () => this.#world.clock.now(),
    monotonic: () => this.#world.clock.monotonic(),
    sleep: async (ms, signal) => {
      await this.#world.clock.sleep(ms, signal);
      if (this.#isEnded) await never;
    },
  };

  readonly fetch: typeof fetch = async (url) => {
    await turns(1);
    if (this.#isEnded) await never;
    const answer = this.#world.answer(url instanceof Request ? url.url : url.toString());
    return answer === undefined ? new Response('{}', { status: 503 }) : Response.json(answer);
  };

  readonly api: KubeApi = {
    get: (type, ref) =>
      this.#call('get', { type, ref }, async () => {
        const found = await this.#world.api.get(type, ref);
        return found === undefined ? undefined : asSent(found, undefined);
      }),
    list: (type, options = {}) =>
      this.#call('list', { type, ref: undefined }, async () => {
        const { trim, ...selection } = options;
        const truth = await this.#world.api.list(type, selection);
        const answer = this.#disturbance.list?.(type, selection) ?? truth;
        return { ...answer, items: answer.items.map((object) => asSent(object, trim)) };
      }),
    watch: (type, options) => this.#watch(type, options),
    create: (type, object) =>
      this.#call('create', { type, ref: object.metadata }, () =>
        this.#world.api.create(type, object),
      ),
    apply: (type, object, options) =>
      this.#call('apply', { type, ref: object.metadata }, () =>
        this.#world.api.apply(type, object, options),
      ),
    applyStatus: (type, object, options) =>
      this.#call('applyStatus', { type, ref: object.metadata }, () =>
        this.#world.api.applyStatus(type, object, options),
      ),
    patch: (type, ref, patch) =>
      this.#call('patch', { type, ref }, () => this.#world.api.patch(type, ref, patch)),
    scale: (type, ref, options) =>
      this.#call('scale', { type, ref }, () => this.#world.api.scale(type, ref, options)),
    delete: (type, ref, preconditions) =>
      this.#call('delete', { type, ref, preconditions }, () =>
        this.#world.api.delete(type, ref, preconditions),
      ),
  };

  async #call<T>(verb: Verb, target: Target, work: () => Promise<T>): Promise<T> {
    if (this.#isEnded) await never;
    const call: Call = { index: this.calls.length, verb, type: target.type, ref: target.ref };
    this.calls.push(call);
    await this.#disturbance.before?.(call, this);
    if (this.#isEnded) await never;
    const answer = await this.#outcome(call, target, work);
    await this.#disturbance.after?.(call, this);
    if (this.#isEnded) await never;
    if ('failure' in answer) throw answer.failure;
    return answer.value;
  }

  async #outcome<T>(
    call: Call,
    target: Target,
    work: () => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly failure: Error }> {
    const write = () => this.#effects.alone(() => this.#noted(call, target, work));
    try {
      return { value: isWrite(call) ? await write() : await work() };
    } catch (failure) {
      return { failure: failure instanceof Error ? failure : new Error('unknown') };
    }
  }

  async #noted<T>(call: Call, { preconditions }: Target, work: () => Promise<T>): Promise<T> {
    const read = async () =>
      call.ref === undefined ? undefined : await this.#world.api.get(call.type, call.ref);
    const before = await read();
    const answer = await work();
    await this.#effects.note({ call, before, after: await read(), preconditions });
    return answer;
  }

  async *#watch(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const opening: Call = { index: this.calls.length, verb: 'watch', type, ref: undefined };
    this.calls.push(opening);
    await this.#disturbance.before?.(opening, this);
    const dead = new AbortController();
    const signal = AbortSignal.any([options.signal, dead.signal]);
    const { trim, ...selection } = options;
    for await (const event of this.#world.api.watch(type, { ...selection, signal })) {
      if (this.#isEnded) await never;
      const number = this.events++;
      const delivery = (await this.#disturbance.event?.(event, number)) ?? [event];
      if (this.#isEnded) await never;
      if (delivery === 'lost') {
        await this.clock.sleep(lostForMs);
        dead.abort();
        // Nothing that was lost can be had by resuming.
        this.#world.api.compact();
        throw new KubeFailure('Gone', 'the version is not kept any more');
      }
      yield* delivery.map((one) => eventAsSent(one, trim));
    }
    if (this.#isEnded) await never;
  }
}

const never = new Promise<never>(() => undefined);

/**
 * An object of its own for each process: the worlds of many runs share theirs, and an operator may
 * remember what it has found out about one.
 */
function asSent(object: KubeObject, trim: ListOptions['trim']): KubeObject {
  const sent = { ...object };
  return trim === undefined ? sent : trim(sent);
}

function eventAsSent(event: WatchEvent, trim: ListOptions['trim']): WatchEvent {
  return event.type === 'BOOKMARK' ? event : { ...event, object: asSent(event.object, trim) };
}
