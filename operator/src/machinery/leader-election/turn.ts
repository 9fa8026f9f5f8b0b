/**
 * One process's turn at leading: stands by, begins when it leads, ends when that is lost.
 *
 * Stopping is not losing: passes drain while the Lease is still held, and whoever holds it gives it
 * up afterwards. Losing is at once: the fence is closed before anything else, so passes in flight
 * fail at their next write.
 */
import type { Leadership } from '../leadership.ts';
import type { Manager } from '../manager.ts';
import type { OperatorTelemetry } from '../telemetry.ts';
import type { Fence } from './fence.ts';

export interface TurnOptions {
  readonly manager: Pick<Manager, 'begin' | 'stop'>;
  readonly fence: Fence;
  readonly telemetry: Pick<OperatorTelemetry, 'leadershipGained' | 'leadershipLost'>;
}

export class Turn {
  /** Resolves when the leadership is lost and nothing is written any more; never for a stop. */
  readonly lost: Promise<void>;
  #options: TurnOptions;
  #stop = new AbortController();

  constructor(options: TurnOptions) {
    this.#options = options;
    this.lost = new Promise((resolve) => {
      const onLost = (): void => {
        // Given up in the course of a stop: nobody is to be told.
        if (this.#stop.signal.aborted) return;
        this.#onLost();
        resolve();
      };
      options.fence.lost.addEventListener('abort', onLost, { once: true });
    });
  }

  begin(leadership: Leadership): void {
    this.#options.fence.take(leadership);
    this.#options.manager.begin();
  }

  /** Resolves when this process leads or never will. */
  async await(lead: (signal: AbortSignal) => Promise<Leadership>): Promise<void> {
    const { fence, telemetry } = this.#options;
    try {
      const leadership = await lead(this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      telemetry.leadershipGained({ epoch: leadership.epoch });
      this.begin(leadership);
    } catch (error) {
      if (this.#stop.signal.aborted || isAbort(error)) return;
      const message = error instanceof Error ? error.message : String(error);
      fence.surrender(`the election failed: ${message}`);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#options.manager.stop();
  }

  #onLost(): void {
    const { fence, manager, telemetry } = this.#options;
    telemetry.leadershipLost({ epoch: fence.epoch, why: fence.why });
    // Nobody waits for the drain: a read in flight may take as long as the server that went away.
    void manager.stop();
  }
}

/** The election was called off by whoever started it, who then knows how to go on. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
