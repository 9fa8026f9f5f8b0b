/** One object of the API by its name, kept up to date; undefined while there is none. */
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../machinery/kube-api.ts';
import { keyOf } from '../machinery/object-key.ts';
import { Reflector, type ReflectorEvents } from '../machinery/reflector.ts';
import { Store } from '../machinery/store.ts';

export interface WatchOneOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch'>;
  readonly type: ResourceType;
  /** An empty namespace stands for a type that has none. */
  readonly ref: ObjectRef;
  readonly clock: Clock;
  readonly events: ReflectorEvents;
  /** Told of every change; first when the object is known, or known to be absent. */
  readonly onChange: (object: KubeObject | undefined) => void;
  readonly trim?: (object: KubeObject) => KubeObject;
}

/** Runs until the signal aborts; never rejects for a failure of the API. */
export async function watchOne(options: WatchOneOptions, signal: AbortSignal): Promise<void> {
  const { api, type, ref, clock, events, onChange, trim } = options;
  const store = new Store(trim === undefined ? {} : { trim });
  // Objects of types without namespaces come without the field.
  const key = ref.namespace === '' ? undefined : keyOf(ref);
  const held = (): KubeObject | undefined =>
    key === undefined ? [...store.all()][0] : store.get(key);
  const { namespace, name } = ref;
  const scope = namespace === '' ? { name } : { namespace, name };
  let isSynced = false;
  const tell = (): void => {
    if (isSynced) onChange(held());
  };
  const reflector = new Reflector({
    api,
    type,
    scope,
    store,
    clock,
    events,
    onChange: tell,
  });
  void reflector.synced.then(() => {
    isSynced = true;
    tell();
  });
  await reflector.run(signal);
}
