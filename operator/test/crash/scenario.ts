/**
 * What a kind brings to the crash proof: stories of what people, Kubernetes and the data plane do,
 * without a word about the operator.
 *
 * A story is cut into steps. Between two of them the operator has time to settle, so a step may rely
 * on what the operator made of those before; within a step nothing may. `ends` says what the story is
 * about, so that one that has become meaningless fails instead of proving nothing.
 */
import type { OperatorKind } from '../../src/machinery/kind.ts';
import type { ResourceType } from '../../src/machinery/kube-api.ts';
import type { Effect } from './side-effects.ts';
import type { World } from './world.ts';

export interface Step<W> {
  readonly name: string;
  readonly run: (world: W) => Promise<void>;
  /** Time for the operator afterwards, where the usual is too short. */
  readonly settleMs?: number;
}

export interface Scenario<W> {
  readonly world: () => W;
  readonly steps: readonly Step<W>[];
  /** Throws unless the story came to its end; asked of the undisturbed run. */
  readonly ends: (world: W) => Promise<void>;
}

/** What every kind must have a story for; it may have more. */
export const storiesOfEveryKind = [
  'create',
  'change',
  'scale',
  'suspend',
  'delete',
  'backend lost',
  'pod lost',
  'invalid change',
  'paused',
  'name taken',
  'drift',
  'autoscaled',
  'driver changes',
] as const;
export type Story = (typeof storiesOfEveryKind)[number];

export interface KindProof<W extends World = World> {
  /** Operators of its stories reconcile nothing else: others would only cost time. */
  readonly kind: Pick<OperatorKind, 'controller'>;
  /** Compared at the end of each step; the kind itself first. */
  readonly types: readonly ResourceType[];
  readonly scenarios: Readonly<Record<Story, Scenario<W>>> & Readonly<Record<string, Scenario<W>>>;
  /**
   * What no write of an operator may do, wherever it was disturbed before: asked about each write in
   * the moment it has happened. Says what was done that must not be.
   */
  readonly never?: (effect: Effect, world: W) => Promise<string | undefined>;
}
