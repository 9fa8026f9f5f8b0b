/**
 * One pass of one resource, from its plan to what became of it: executes the plan, announces what
 * cannot be undone in the status first, tells of drift that was corrected, and turns a refusal that
 * only a person can cure into an obstacle for the status. Every other failure is the queue's.
 */
import { act, type ActResult, type Child } from './act.ts';
import { driftNote, type FoundDrift } from './drift.ts';
import type { EventRecorder } from './events.ts';
import { intents, type IntentOptions, type Resource } from './intent.ts';
import type { KubeApi } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import { NameTaken } from './name-taken.ts';
import { keyOfObject } from './object-key.ts';
import type { OwnWrite, OwnWrites } from './own-writes.ts';
import type { Plan } from './step.ts';
import type { OperatorTelemetry } from './telemetry.ts';
import { refusalRetrySeconds } from './waiting.ts';

export interface CarryOutOptions {
  /** Slug of the kind. */
  readonly slug: string;
  readonly api: KubeApi;
  readonly clock: IntentOptions['clock'];
  readonly fence: IntentOptions['fence'];
  readonly writes: Pick<OwnWrites, 'record'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly telemetry: Pick<OperatorTelemetry, 'drifted'>;
  readonly fieldManager: string;
  readonly scaleManager: string;
}

export interface PlannedPass extends Resource {
  readonly uid: string;
  readonly plan: Plan;
  readonly children: readonly Child[];
}

/** Why a plan could not be carried out, until somebody changes something. */
export interface Refusal {
  readonly reason: 'NameTaken' | 'Refused';
  readonly message: string;
  /** The object that is in the way, as Kind/name. */
  readonly object?: string;
}

export type PassResult = ActResult & { readonly obstacle: Refusal | undefined };

/** Of a pass that was left out. */
export const nothingDone: PassResult = {
  changed: [],
  waitingFor: undefined,
  requeueAfterMs: undefined,
  obstacle: undefined,
};

export async function carryOut(
  key: string,
  pass: PlannedPass,
  options: CarryOutOptions,
): Promise<PassResult> {
  const record = (write: OwnWrite): void => options.writes.record(key, write);
  const drifts: FoundDrift[] = [];
  try {
    const result = await act(
      { owner: pass.uid, plan: pass.plan, children: pass.children },
      {
        ...options,
        record,
        intend: intents(pass, { ...options, record }),
        confirm: confirming(pass, options),
        drifted: (drift) => drifts.push(drift),
      },
    );
    return { ...result, obstacle: undefined };
  } catch (error) {
    const obstacle = refusalOf(error);
    if (obstacle === undefined) throw error;
    return { ...nothingDone, requeueAfterMs: refusalRetrySeconds * 1_000, obstacle };
  } finally {
    // Also when a later step failed: what has been put back differs no more, so no later pass tells.
    await tellDrifts(pass, drifts, options);
  }
}

/**
 * Makes sure, once a pass and live, that what the plan was made for is still wanted. The deletion of
 * the owner may be known later than that of its children: they would be made anew for nobody.
 */
function confirming(
  { type, object }: Resource,
  { api }: Pick<CarryOutOptions, 'api'>,
): () => Promise<void> {
  let answer: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    const { uid, generation } = object.metadata;
    const live = (await api.get(type, object.metadata))?.metadata;
    if (live?.uid === uid && live?.generation === generation) return;
    const what = `${type.kind} ${keyOfObject(object)}`;
    throw new KubeFailure('Conflict', `${what} has changed or is gone: decide anew`);
  };
  return () => (answer ??= ask());
}

async function tellDrifts(
  { object }: Resource,
  drifts: readonly FoundDrift[],
  { slug, events, telemetry }: CarryOutOptions,
): Promise<void> {
  for (const drift of drifts) {
    const { type, ref, by } = drift;
    telemetry.drifted({ kind: slug, type: type.plural, ...ref, by });
    await events.record(driftNote(object, drift));
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof NameTaken) {
    return { reason: 'NameTaken', message: error.message, object: error.object };
  }
  if (!(error instanceof KubeFailure)) return undefined;
  if (error.reason !== 'Invalid' && error.reason !== 'Forbidden') return undefined;
  return { reason: 'Refused', message: `The API server refused a child: ${error.message}` };
}
