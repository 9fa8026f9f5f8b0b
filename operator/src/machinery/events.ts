/**
 * Kubernetes Events: what `kubectl describe` shows under a resource.
 *
 * Without floods: messages are constant text per reason, so equal events are recognised; the same one
 * is written at most once in ten minutes, and then as one more in the series of the first rather than
 * as another object. One object, and all together, get a rate with room for bursts; what is over it is
 * dropped. Losing an event loses nothing but a line for people, so failures are never retried.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@millrace/kit/clock';
import { clipBytes } from './clip.ts';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from './kube-api.ts';
import { TokenBucket, type Rate } from './token-bucket.ts';
import { Transient } from '@millrace/kit/transient';

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
  readonly api: Pick<KubeApi, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly controller: string;
  readonly onFailure: (failure: unknown) => void;
}

const quietMs = 10 * 60_000;
/** An API server forgets events after an hour: a series that old has no object to be counted in. */
const seriesMs = 50 * 60_000;
/** Remembered events, and objects; more than this many different ones in ten minutes repeat some. */
const rememberedMax = 4_096;
/** The API allows 1,024. */
const noteBytesMax = 1_000;
/** A resource that changes its mind all the time is worth ten lines, then two a minute. */
const perObject: Rate = { perSecond: 1 / 30, burst: 10 };
/** Five thousand resources that all fail at once tell their first hundred at once. */
const overall: Rate = { perSecond: 10, burst: 100 };

interface Series {
  readonly ref: ObjectRef;
  readonly beganAt: number;
  count: number;
  writtenAt: number;
}

export class EventRecorder {
  #options: EventRecorderOptions;
  #series = new Map<string, Series>();
  #objects = new Map<string, TokenBucket>();
  #overall: TokenBucket;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#overall = new TokenBucket(options.clock, overall);
  }

  async record(note: EventNote): Promise<void> {
    const now = this.#options.clock.now();
    const { metadata } = note.regarding;
    const text = [metadata.uid, note.type, note.reason, note.note].join('\n');
    const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const series = this.#series.get(fingerprint);
    if (series !== undefined) series.count++;
    if (series !== undefined && now - series.writtenAt < quietMs) return;
    try {
      this.#takeToken(note.regarding);
      if (series !== undefined && now - series.beganAt < seriesMs) await this.#goOn(series, now);
      else await this.#begin(note, fingerprint);
    } catch (failure) {
      this.#options.onFailure(failure);
    }
  }

  async #begin(note: EventNote, fingerprint: string): Promise<void> {
    const { api, clock } = this.#options;
    const now = clock.now();
    const event = this.#event(note, `${fingerprint}.${now}`);
    const { namespace, name } = event.metadata;
    const series = { ref: { namespace, name }, beganAt: now, count: 1, writtenAt: now };
    // Before the call, so that what repeats while it is on its way is the same event.
    this.#series.delete(fingerprint);
    this.#series.set(fingerprint, series);
    dropOldest(this.#series);
    await api.create(eventType, event);
  }

  async #goOn(series: Series, now: number): Promise<void> {
    series.writtenAt = now;
    const { count } = series;
    await this.#options.api.patch(eventType, series.ref, {
      series: { count, lastObservedTime: microTime(now) },
    });
  }

  #takeToken({ metadata }: KubeObject): void {
    const id = metadata.uid ?? `${metadata.namespace}/${metadata.name}`;
    const bucket = this.#objects.get(id) ?? new TokenBucket(this.#options.clock, perObject);
    this.#objects.delete(id);
    this.#objects.set(id, bucket);
    dropOldest(this.#objects);
    if (bucket.tryTake() && this.#overall.tryTake()) return;
    throw new Transient('EventsLimited', `too many events about ${metadata.name}: left one out`);
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
      note: clipBytes(note.note, noteBytesMax),
      action: note.action,
      reportingController: this.#options.controller,
      reportingInstance: this.#options.controller,
      regarding: { apiVersion, kind, namespace, name, ...(uid === undefined ? {} : { uid }) },
    };
  }
}

function dropOldest(held: Map<string, unknown>): void {
  if (held.size <= rememberedMax) return;
  for (const oldest of held.keys()) {
    held.delete(oldest);
    return;
  }
}

/** The API's MicroTime: RFC 3339 with exactly six decimals; three are refused. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
