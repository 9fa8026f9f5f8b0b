/** How the backends look from this process, and since when; `since` stays while a backend stays down. */
import type { BackendState } from '@millrace/crds/conditions';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';

type Name = 'postgres' | 'redis';
const messageMax = 1_024;

export class BackendStates {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #states = new Map<Name, BackendState>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** What the work gives, or undefined when the backend could not do it; faults are thrown. */
  async tried<T>(name: Name, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await work();
      this.#set({ name, ok: true });
      return value;
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      const { code, message } = error;
      // Earlier tries still wait for an answer: what they failed with is the reason.
      if (code === 'Overloaded' && this.#states.get(name)?.ok === false) return undefined;
      this.#set({
        name,
        ok: false,
        reason: code.slice(0, 64),
        message: message.slice(0, messageMax),
      });
      return undefined;
    }
  }

  /** The first that is away. */
  away(): BackendState | undefined {
    return this.list().find(({ ok }) => !ok);
  }

  list(): BackendState[] {
    return [...this.#states.values()];
  }

  #set(state: Omit<BackendState, 'since' | 'name'> & { readonly name: Name }): void {
    const before = this.#states.get(state.name);
    const since =
      before?.ok === state.ok && before.since !== undefined
        ? before.since
        : new Date(this.#clock.now()).toISOString();
    this.#states.set(state.name, { ...state, since });
  }
}
