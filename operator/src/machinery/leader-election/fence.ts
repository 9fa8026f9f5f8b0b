/**
 * The leadership of this process, from before it has any until after it is lost.
 *
 * States: standing by → leading → lost, never back: whoever has lost a Lease cannot know what it has
 * in flight, so it ends and a new process campaigns. Everything that writes is given the fence when
 * it is made and asks it when it writes. `surrender` is for whoever finds proof of a later leader
 * before the Lease does.
 */
import type { Leadership } from '../leadership.ts';

export class Fence implements Leadership {
  #leadership: Leadership | undefined;
  #lost = new AbortController();
  #why = '';

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** 0 until there is a leadership. */
  get epoch(): number {
    return this.#leadership?.epoch ?? 0;
  }

  /** Why it was lost, for people; empty until it is. */
  get why(): string {
    return this.#why;
  }

  isValid(): boolean {
    return !this.#lost.signal.aborted && this.#leadership?.isValid() === true;
  }

  take(leadership: Leadership): void {
    this.#leadership = leadership;
    const onLost = (): void => this.surrender(reasonOf(leadership.lost));
    if (leadership.lost.aborted) onLost();
    else leadership.lost.addEventListener('abort', onLost, { once: true });
  }

  /** Ends the right to write at once; the first reason given stays. */
  surrender(why: string): void {
    if (this.#lost.signal.aborted) return;
    this.#why = why;
    this.#lost.abort();
  }
}

function reasonOf({ reason }: AbortSignal): string {
  return typeof reason === 'string' ? reason : 'the Lease was lost';
}
