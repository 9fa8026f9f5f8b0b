/**
 * Switches for tests that make this API behave as badly as a real one can.
 *
 * `before` may wait (latency) or throw (the call fails and changed nothing); `after` may throw (the
 * write happened, but its answer is lost); `watch` may drop, repeat or hold back events. Calls are
 * numbered from 0, so that a proof can stop the operator after each one in turn.
 */
import type { KubeApi, ObjectRef, ResourceType } from '../machinery/kube-api.ts';
import type { WatchFault } from './watch-hub.ts';

export type Verb = Exclude<keyof KubeApi, 'watch'>;

export interface ApiCall {
  readonly index: number;
  readonly verb: Verb;
  readonly type: ResourceType;
  readonly ref: ObjectRef | undefined;
}

export interface Faults {
  readonly before?: (call: ApiCall) => void | Promise<void>;
  readonly after?: (call: ApiCall) => void | Promise<void>;
  readonly watch?: WatchFault;
}
