/**
 * Kubernetes Events: what `kubectl describe` shows under a resource. Messages are constant text per
 * reason, so that equal events are recognised: the same one is written once in ten minutes. Losing
 * an event loses nothing but a line for people, so failures are counted as debug and never retried.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';

export const eventType: ResourceType = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
};

export interface EventNote {
  readonly regarding: KubeObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** What was being done, as one CamelCase word. */
  readonly action: string;
}

export interface EventRecorderOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly clock: Clock;
  readonly controller: string;
  readonly onFailure: (failure: unknown) => void;
}

const quietMs = 10 * 60_000;
/** Remembered events; more than this many different ones in ten minutes repeat some. */
const rememberedMax = 4_096;
const noteCharactersMax = 1_000;

export class EventRecorder {
  #options: EventRecorderOptions;
  #writtenAt = new Map<string, number>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  async record(note: EventNote): Promise<void> {
    const now = this.#options.clock.now();
    const { metadata } = note.regarding;
    const text = [metadata.uid, note.type, note.reason, note.note].join('\n');
    const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const last = this.#writtenAt.get(fingerprint);
    if (last !== undefined && now - last < quietMs) return;
    this.#remember(fingerprint, now);
    try {
      await this.#options.api.create(eventType, this.#event(note, `${fingerprint}.${now}`));
    } catch (failure) {
      this.#options.onFailure(failure);
    }
  }

  #remember(fingerprint: string, now: number): void {
    this.#writtenAt.delete(fingerprint);
    this.#writtenAt.set(fingerprint, now);
    if (this.#writtenAt.size <= rememberedMax) return;
    for (const oldest of this.#writtenAt.keys()) {
      this.#writtenAt.delete(oldest);
      return;
    }
  }

  #event(note: EventNote, suffix: string): KubeObject {
    const { apiVersion, kind, metadata } = note.regarding;
    const { namespace, name, uid } = metadata;
    return {
      apiVersion: eventType.apiVersion,
      kind: eventType.kind,
      metadata: { namespace, name: `${name.slice(0, 200)}.${suffix}` },
      eventTime: microTime(this.#options.clock.now()),
      type: note.type,
      reason: note.reason,
      note: note.note.slice(0, noteCharactersMax),
      action: note.action,
      reportingController: this.#options.controller,
      reportingInstance: this.#options.controller,
      regarding: { apiVersion, kind, namespace, name, ...(uid === undefined ? {} : { uid }) },
    };
  }
}

/** The API's MicroTime: RFC 3339 with exactly six decimals; three are refused. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
