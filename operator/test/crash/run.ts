/**
 * Plays one story with one disturbance and says what came of it.
 *
 * The undisturbed run and a disturbed one are the same code; only the disturbance differs. After each
 * step time is moved far enough for everything that waits in the operator to have happened: back-offs,
 * the patience with a late watch, the retry of a refusal.
 */
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { kedaEndpoint } from '../api-services.ts';
import { startOperator } from '../../src/operator.ts';
import { difference, endState, type EndState } from './end-state.ts';
import { Life, type Call, type Disturbance } from './life.ts';
import type { KindProof, Scenario } from './scenario.ts';
import { deletedByName, SideEffects } from './side-effects.ts';
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

interface StepEnd {
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
}

export type Disturb = (run: Run) => Disturbance;

/**
 * Longer than any wait of the operator but the retry of a refusal, for which a step may ask more time.
 * A whole story stays below five minutes: from then on watches are renewed, at random times.
 */
const settleMs = 25_000;

const log = createLog({ level: 'silent', bindings: {} });
const metrics = createMetrics({});

/** The run that all others are compared with; throws unless the story comes to its end. */
export async function undisturbed<W extends World>(
  proof: KindProof<W>,
  scenario: Scenario<W>,
): Promise<Outcome> {
  const world = scenario.world();
  const outcome = await run(proof, { ...scenario, world: () => world }, () => ({}));
  await scenario.ends(world);
  if (outcome.breaches.length > 0) throw new Error(outcome.breaches.join('\n'));
  const blind = outcome.effects.find((effect) => effect.endsWith(deletedByName));
  if (blind !== undefined) throw new Error(`could hit an object made since: ${blind}`);
  return outcome;
}

export async function run<W extends World>(
  { kind, types, never }: KindProof<W>,
  scenario: Scenario<W>,
  disturb: Disturb,
): Promise<Outcome> {
  const world = scenario.world();
  const effects = new SideEffects((effect) => never?.(effect, world) ?? Promise.resolve(undefined));
  const lives: Life[] = [];
  const failures: unknown[] = [];
  const start = (disturbance: Disturbance = {}): Life => {
    const life = new Life(world, { disturbance, effects });
    lives.push(life);
    begin(life, { kind, world }).catch((failure: unknown) => failures.push(failure));
    return life;
  };
  const ends: StepEnd[] = [];
  const first = start(disturb({ world, start }));
  await world.clock.advance(0);
  for (const step of scenario.steps) {
    await step.run(world);
    await world.clock.advance(step.settleMs ?? settleMs);
    ends.push({
      step: step.name,
      state: await endState(world.api, types),
      calls: first.calls.length,
      events: first.events,
    });
  }
  for (const life of lives) life.end();
  if (failures.length > 0) throw new AggregateError(failures, 'an operator did not start');
  const { lines, breaches } = effects;
  return { effects: lines, breaches, calls: first.calls, events: first.events, ends };
}

async function begin(
  life: Life,
  { kind, world }: { readonly kind: KindProof['kind']; readonly world: World },
): Promise<void> {
  metrics.clear();
  await startOperator({
    api: life.api,
    clock: life.clock,
    log,
    metrics,
    config: {
      runtimeImage: 'millrace-runtimes:test',
      namespaces: [],
      keda: kedaEndpoint,
      // Half of the usual questions; what is asked matters here, not how soon.
      pollLimits: { periodMinMs: 3_000, quietPeriodMinMs: 10_000 },
    },
    kinds: [kind],
    podAddress: world.podAddress,
    fetch: life.fetch,
  });
}

/** What a disturbed run did differently, at its first step that shows it. */
export function deviation(
  actual: Outcome,
  expected: Outcome,
  { isJudgedAtEnd = false }: { readonly isJudgedAtEnd?: boolean } = {},
): string | undefined {
  if (actual.breaches.length > 0) return actual.breaches.join('\n');
  const pairs = expected.ends.map((end, index) => ({ end, did: actual.ends[index]?.state }));
  for (const { end, did } of pairs.slice(isJudgedAtEnd ? -1 : 0)) {
    const found = difference(did ?? new Map(), end.state);
    if (found !== undefined) return `after the step "${end.step}": ${found}`;
  }
  if (sorted(actual.effects) === sorted(expected.effects)) return undefined;
  return `it did\n  ${actual.effects.join('\n  ')}\nand undisturbed\n  ${expected.effects.join('\n  ')}`;
}

function sorted(effects: readonly string[]): string {
  return effects.toSorted().join('\n');
}
