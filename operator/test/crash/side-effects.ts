/**
 * What an operator did that cannot be undone by doing it right afterwards: objects made and deleted,
 * pod templates changed (which restarts pods), replicas moved (which starts and stops them).
 *
 * Kept across the lives of one run and compared with that of the undisturbed one. Repeating a write
 * that changes nothing is no side effect; a second Job for one configuration is, though it be deleted
 * at once. Events and status are left out: the former may be lost by design, the latter is compared
 * as state.
 */
import { createHash } from 'node:crypto';
import { eventType } from '../../src/machinery/events.ts';
import type { KubeObject, Preconditions } from '../../src/machinery/kube-api.ts';
import { described, type Call } from './life.ts';

export interface Effect {
  readonly call: Call;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
  readonly preconditions?: Preconditions | undefined;
}

type Never = (effect: Effect) => Promise<string | undefined>;

/** What was done so far. */
export interface Done {
  readonly lines: readonly string[];
  readonly breaches: readonly string[];
}

const nothing: Done = { lines: [], breaches: [] };

export class SideEffects {
  #lines: string[];
  #breaches: string[];
  #last: Promise<unknown> = Promise.resolve();
  readonly #never: Never;

  constructor(never: Never, { lines, breaches }: Done = nothing) {
    this.#never = never;
    this.#lines = [...lines];
    this.#breaches = [...breaches];
  }

  /** Everything so far, in order; each line names verb and object. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What must never be done and was. */
  get breaches(): readonly string[] {
    return this.#breaches;
  }

  /** As it is now, whatever comes after. */
  get done(): Done {
    return { lines: [...this.#lines], breaches: [...this.#breaches] };
  }

  /** One write at a time over all lives: what is read before and after it must be of that write. */
  async alone<T>(write: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await write();
    } finally {
      resolve();
    }
  }

  async note(effect: Effect): Promise<void> {
    const { type, ref } = effect.call;
    if (type.kind === eventType.kind) return;
    const name = `${type.kind}/${ref?.name ?? ''}`;
    this.#lines.push(...changes(effect).map((change) => `${name} ${change}`));
    const breach = await this.#never(effect);
    if (breach !== undefined) this.#breaches.push(`it ${breach}: ${described(effect.call)}`);
  }
}

function changes({ call, before, after, preconditions }: Effect): readonly string[] {
  if (after === undefined) {
    if (before === undefined) return [];
    // What is already deleted goes with the last of its finalizers.
    return [call.verb === 'delete' ? deletion(preconditions) : 'is let go'];
  }
  const [is, was] = [facts(after), facts(before)];
  if (before?.metadata.uid !== after.metadata.uid) return [`is made as ${is.template}`];
  return [
    ...(is.template === was.template ? [] : [`restarts its pods as ${is.template}`]),
    ...(is.replicas === was.replicas ? [] : [`has ${is.replicas} replicas`]),
    ...(is.suspend === was.suspend ? [] : [`is ${is.suspend ? 'suspended' : 'resumed'}`]),
  ];
}

/** Such a deletion could hit an object made since the decision. */
export const deletedByName = 'is deleted by name alone';

function deletion(preconditions: Preconditions | undefined): string {
  return preconditions?.uid === undefined ? deletedByName : 'is deleted';
}

function facts(object: KubeObject | undefined) {
  const { template, replicas, suspend } = (object?.['spec'] ?? {}) as {
    readonly template?: object;
    readonly replicas?: number;
    readonly suspend?: boolean;
  };
  return { template: template === undefined ? 'it is' : digest(template), replicas, suspend };
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}
