/**
 * The Secret with the addresses of the backends: what is kept of it in memory, and what it lacks. A
 * pod that started without it would hang in ContainerCreating and say nothing; a condition names
 * exactly what is missing instead, and creating it is noticed by a watch.
 */
import type { KubeObject } from '../kube-api.ts';

export interface Missing<Reason extends string = string> {
  readonly reason: Reason;
  readonly message: string;
  /** What has to come true, and the object that it hangs on, as Kind/name. */
  readonly what: string;
  readonly object: string;
}

export type SecretMissing = Missing<'SecretNotFound' | 'SecretKeyMissing'>;

export interface NeededSecret {
  readonly name: string;
  readonly needed: readonly string[];
  /** Names of the keys that hold something; undefined when there is no such Secret. */
  readonly keys: readonly string[] | undefined;
}

export function missingSecret({ name, needed, keys }: NeededSecret): SecretMissing | undefined {
  const object = `Secret/${name}`;
  if (keys === undefined) {
    return {
      reason: 'SecretNotFound',
      message: `Secret ${name} does not exist. Create it with the keys ${needed.join(', ')}; nothing starts before.`,
      what: `Secret ${name} with the keys ${needed.join(', ')}`,
      object,
    };
  }
  const absent = needed.filter((key) => !keys.includes(key));
  if (absent.length === 0) return undefined;
  return {
    reason: 'SecretKeyMissing',
    message: `Secret ${name} lacks ${absent.join(', ')}. Add what is missing; nothing new starts before.`,
    what: `Secret ${name} with the keys ${absent.join(', ')} too`,
    object,
  };
}

/** What is kept of a Secret: the names of its keys that hold something, never a value. */
export function secretKeyNames(secret: KubeObject): KubeObject {
  const data = { ...(secret['data'] as Record<string, string> | undefined) };
  const text = { ...(secret['stringData'] as Record<string, string> | undefined) };
  const keys = Object.entries({ ...data, ...text }).flatMap(([key, value]) =>
    value === '' ? [] : [key],
  );
  const { name, namespace, uid, resourceVersion } = secret.metadata;
  return {
    apiVersion: secret.apiVersion,
    kind: secret.kind,
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    keys,
  };
}
