/**
 * One story on its way: its world, the lives of operators in it, and what came of them.
 *
 * After each step time is moved far enough for everything that waits in the operator to have happened:
 * back-offs, the patience with a late watch, the retry of a refusal.
 */
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { kedaEndpoint } from '../api-services.ts';
import { startOperator } from '../../src/operator.ts';
import { endState, type EndState } from './end-state.ts';
import type { Fork } from './forks.ts';
import { Life, type Call, type Disturbance } from './life.ts';
import type { KindProof, Scenario } from './scenario.ts';
import { SideEffects } from './side-effects.ts';
import type { World } from './world.ts';

export interface Outcome {
  readonly effects: readonly string[];
  readonly breaches: readonly string[];
  /** Of the first life. */
  readonly calls: readonly Call[];
  readonly events: number;
  /** The end of each step: the state, and how many of each came before. */
  readonly ends: readonly StepEnd[];
}

export interface StepEnd {
  readonly step: string;
  readonly state: EndState;
  readonly calls: number;
  readonly events: number;
}

/** What a mode may do with the run that it disturbs. */
export interface Run {
  readonly world: World;
  /** Another process of the operator, which may be disturbed as well. */
  readonly start: (disturbance?: Disturbance) => Life;
  /** The same when a process manager has noticed that there is none. */
  readonly startLater: (disturbance?: Disturbance) => Promise<void>;
  /** Where it has come to; undefined while a step is being done, which nobody else could finish. */
  readonly fork: () => Fork | undefined;
}

interface PlayOptions<W extends World> {
  readonly proof: KindProof<W>;
  readonly scenario: Scenario<W>;
  readonly world: W;
  /** What had happened before, where this is not the beginning. */
  readonly past?: Fork;
}

/**
 * Longer than any wait of the operator but the retry of a refusal, for which a step may ask more time.
 * A whole story stays below five minutes: from then on watches are renewed, at random times.
 */
const settleMs = 25_000;

/** A process manager needs a moment to notice. */
export const restartMs = 500;

const log = createLog({ level: 'silent', bindings: {} });
const metrics = createMetrics({});

export class Play<W extends World> implements Run {
  readonly world: W;
  readonly #options: PlayOptions<W>;
  readonly #effects: SideEffects;
  readonly #lives: Life[] = [];
  readonly #failures: unknown[] = [];
  readonly #ends: StepEnd[];
  /** The step that settles, and until when on the clock of the world. */
  #settling: { readonly step: number; readonly until: number } | undefined;

  constructor(options: PlayOptions<W>) {
    const { proof, world, past } = options;
    this.#options = options;
    this.world = world;
    this.#ends = [...(past?.ends ?? [])];
    this.#effects = new SideEffects(
      (effect) => proof.never?.(effect, world) ?? Promise.resolve(undefined),
      past?.done,
    );
  }

  readonly start = (disturbance: Disturbance = {}): Life => {
    const life = new Life(this.world, { disturbance, effects: this.#effects });
    this.#lives.push(life);
    this.#begin(life).catch((failure: unknown) => this.#failures.push(failure));
    return life;
  };

  readonly startLater = async (disturbance: Disturbance = {}): Promise<void> => {
    await this.world.clock.sleep(restartMs);
    this.start(disturbance);
  };

  readonly fork = (): Fork | undefined => {
    if (this.#settling === undefined) return undefined;
    const { step, until } = this.#settling;
    return {
      saved: this.world.save(),
      step,
      leftMs: until - this.world.clock.monotonic(),
      ends: [...this.#ends],
      done: this.#effects.done,
    };
  };

  async settle(step: number, ms: number): Promise<void> {
    const { clock } = this.world;
    this.#settling = { step, until: clock.monotonic() + ms };
    await clock.advance(ms);
    this.#settling = undefined;
    const { name } = this.#options.scenario.steps[step] ?? {};
    if (name !== undefined) this.#ends.push(await this.#end(name));
  }

  async toTheEnd(first: number): Promise<Outcome> {
    const { steps } = this.#options.scenario;
    for (const [index, step] of steps.entries()) {
      if (index < first) continue;
      await step.run(this.world);
      await this.settle(index, step.settleMs ?? settleMs);
    }
    for (const life of this.#lives) life.end();
    if (this.#failures.length > 0) {
      throw new AggregateError(this.#failures, 'an operator did not start');
    }
    const { lines: effects, breaches } = this.#effects;
    const [life] = this.#lives;
    return {
      effects,
      breaches,
      calls: life?.calls ?? [],
      events: life?.events ?? 0,
      ends: this.#ends,
    };
  }

  async #end(step: string): Promise<StepEnd> {
    const [life] = this.#lives;
    return {
      step,
      state: await endState(this.world.api, this.#options.proof.types),
      calls: life?.calls.length ?? 0,
      events: life?.events ?? 0,
    };
  }

  async #begin({ api, clock, fetch }: Life): Promise<void> {
    metrics.clear();
    await startOperator({
      api,
      clock,
      log,
      metrics,
      config: {
        runtimeImage: 'millrace-runtimes:test',
        namespaces: [],
        keda: kedaEndpoint,
        // Half of the usual questions; what is asked matters here, not how soon.
        pollLimits: { periodMinMs: 3_000, quietPeriodMinMs: 10_000 },
      },
      kinds: [this.#options.proof.kind],
      podAddress: this.world.podAddress,
      fetch,
    });
  }
}
