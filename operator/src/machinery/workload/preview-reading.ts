/**
 * Reads what a spec refers to, for those who only look: whoever may not see an object is told what is
 * assumed of it, and goes on.
 */
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../kube-api.ts';
import { KubeFailure } from '../kube-failure.ts';
import { secrets } from './resource-types.ts';

export interface Reading {
  readonly api: Pick<KubeApi, 'get'>;
  /** Sentences, one for each thing taken for granted. */
  readonly assumed: string[];
}

export async function readOrAssume(
  { api, assumed }: Reading,
  at: { readonly type: ResourceType; readonly ref: ObjectRef },
  assumption: { readonly object: KubeObject; readonly text: string },
): Promise<KubeObject | undefined> {
  try {
    return await api.get(at.type, at.ref);
  } catch (error) {
    if (!(error instanceof KubeFailure) || error.reason !== 'Forbidden') throw error;
    if (!assumed.includes(assumption.text)) assumed.push(assumption.text);
    return assumption.object;
  }
}

/** The Secret of the backends, assumed to have the keys that are needed. */
export async function readSecret(
  reading: Reading,
  ref: ObjectRef,
  keys: readonly string[],
): Promise<KubeObject | undefined> {
  const object = {
    apiVersion: secrets.apiVersion,
    kind: secrets.kind,
    metadata: ref,
    data: Object.fromEntries(keys.map((key) => [key, 'unseen'])),
  };
  const text = `You may not read Secret ${ref.name}; it is taken to exist with the keys ${keys.join(', ')}.`;
  return await readOrAssume(reading, { type: secrets, ref }, { object, text });
}
