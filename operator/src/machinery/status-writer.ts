/**
 * The one way to write a status: only if something changed, mere figures at most once per interval,
 * everything a person or a tool waits for at once, and one event and one line of the log for each
 * change of what `Ready` says. The intent in the status belongs to another manager and is neither
 * compared nor written.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '@millrace/crds/conditions';
import type { Clock } from '@millrace/kit/clock';
import { conditionOf } from './conditions.ts';
import type { EventRecorder } from './events.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';
import type { OwnWrites } from './own-writes.ts';
import type { OperatorTelemetry } from './telemetry.ts';

/** What the statuses of all kinds have in common. */
export interface AnyStatus {
  readonly observedGeneration: number;
  readonly conditions?: readonly Condition[];
  readonly intent?: unknown;
}

export interface StatusWriterOptions<Status extends AnyStatus> {
  readonly slug: string;
  readonly type: ResourceType;
  readonly fieldManager: string;
  /** Whether anything but figures differs. */
  readonly hasTransition: (held: Status | undefined, wanted: Status) => boolean;
  /** Least time between two writes of mere figures. */
  readonly intervalMs: number;
  readonly api: Pick<KubeApi, 'applyStatus'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly writes: Pick<OwnWrites, 'record' | 'versionOf'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly telemetry: Pick<OperatorTelemetry, 'stateChanged'>;
}

export interface StatusChange<Status extends AnyStatus> {
  readonly resource: KubeObject;
  readonly held: Status | undefined;
  readonly wanted: Status;
}

export class StatusWriter<Status extends AnyStatus> {
  readonly #options: StatusWriterOptions<Status>;
  /** When each key was last written, on the monotonic clock. */
  readonly #writtenAt = new Map<string, number>();

  constructor(options: StatusWriterOptions<Status>) {
    this.#options = options;
  }

  forget(key: string): void {
    this.#writtenAt.delete(key);
  }

  /** Writes if something changed; returns how long until a change that can wait is due. */
  async write(key: string, change: StatusChange<Status>): Promise<number | undefined> {
    const { held, wanted, resource } = change;
    const { type, clock, api, writes, fieldManager, intervalMs, hasTransition } = this.#options;
    if (isSame(held, wanted)) return undefined;
    const now = clock.monotonic();
    const dueInMs = (this.#writtenAt.get(key) ?? Number.NEGATIVE_INFINITY) + intervalMs - now;
    if (!hasTransition(held, wanted) && dueInMs > 0) return dueInMs;
    const { namespace, name, uid } = resource.metadata;
    const ref = { namespace, name };
    // What was computed from an older state must not cover what was written since, above all by a
    // later leader: nothing would wake it to write its own again.
    const resourceVersion =
      writes.versionOf(key, { type, ref }) ?? resource.metadata.resourceVersion;
    const { apiVersion, kind } = type;
    const written = await api.applyStatus(
      type,
      {
        apiVersion,
        kind,
        metadata: {
          ...ref,
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        status: wanted,
      },
      { fieldManager, force: true },
    );
    this.#writtenAt.set(key, now);
    writes.record(key, { type, ref, uid, version: written.metadata.resourceVersion });
    await this.#tell(written, change);
    return undefined;
  }

  async #tell(regarding: KubeObject, { held, wanted }: StatusChange<Status>): Promise<void> {
    const { slug, events, telemetry } = this.#options;
    const before = conditionOf(held?.conditions, 'Ready');
    const after = conditionOf(wanted.conditions, 'Ready');
    if (after === undefined || before?.reason === after.reason) return;
    const { namespace, name } = regarding.metadata;
    const change = { from: before?.reason, to: after.reason, why: after.message };
    telemetry.stateChanged({ kind: slug, namespace, name, ...change });
    const isStalled = conditionOf(wanted.conditions, 'Stalled')?.status === 'True';
    await events.record({
      regarding,
      type: isStalled ? 'Warning' : 'Normal',
      reason: after.reason,
      note: after.message,
      action: 'Reconcile',
    });
  }
}

function isSame(held: AnyStatus | undefined, wanted: AnyStatus): boolean {
  if (held === undefined) return false;
  const { intent: _intent, ...own } = held;
  return isDeepStrictEqual(own, wanted);
}
