/** Every derived name, label, annotation and field manager of a IncrementPipeline, in one place. */
export const fieldManager = 'millrace-increment-pipeline';
export const scaleManager = 'millrace-increment-pipeline-scale';
export const statusManager = 'millrace-increment-pipeline-status';

export const uidLabel = 'millrace.dev/uid';
export const kindLabel = 'millrace.dev/kind';
export const managedBy = { 'app.kubernetes.io/managed-by': 'millrace-operator' } as const;

export function labels(owner: Owner): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'increment-pipeline',
    'app.kubernetes.io/part-of': 'millrace',
    ...managedBy,
    [kindLabel]: 'increment-pipeline',
    [uidLabel]: owner.uid,
  };
}

/** What children need to know of the resource they belong to. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
