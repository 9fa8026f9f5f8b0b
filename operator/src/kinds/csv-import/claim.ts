/**
 * What matters of a volume claim: whether pods can mount it, and on how many nodes. Pure.
 *
 * All mounts are read-only. A claim that only one node may mount keeps every pod that reads it on that
 * node (see children/pod.ts); one that only a single pod may mount is refused, since coordinator and
 * workers read at the same time. A claim that waits to be bound is no reason to wait: many are bound
 * only when a pod that uses them is scheduled.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Missing } from '../../machinery/workload/secrets.ts';

export interface ClaimFacts {
  /** Pending, Bound or Lost; undefined where nobody has said. */
  readonly phase: string | undefined;
  readonly accessModes: readonly string[];
  readonly isDeleting: boolean;
}

interface ClaimParts {
  readonly spec?: { readonly accessModes?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly accessModes?: readonly string[] };
}

/** Of a claim in the cache only this is kept. */
export function trimClaim(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const { phase, accessModes } = claimFacts(object);
  return { apiVersion, kind, metadata, status: { phase, accessModes } };
}

export function claimFacts(object: KubeObject): ClaimFacts {
  const { spec, status } = object as ClaimParts;
  // What the volume has, once there is one; until then what was asked for.
  const bound = status?.accessModes ?? [];
  return {
    phase: status?.phase,
    accessModes: bound.length > 0 ? bound : (spec?.accessModes ?? []),
    isDeleting: object.metadata.deletionTimestamp !== undefined,
  };
}

/** Of several nodes only one at a time may mount it. */
export function isForOneNode(claim: ClaimFacts | undefined): boolean {
  const modes = claim?.accessModes ?? [];
  return modes.length > 0 && modes.every((mode) => mode.startsWith('ReadWriteOnce'));
}

export type ClaimTrouble = Missing<
  'ClaimNotFound' | 'ClaimTerminating' | 'ClaimLost' | 'ClaimForOnePod'
>;

type Look = (claimName: string) => ClaimFacts | undefined;

/** Why no pod may be started that reads the claim of the source. */
export function claimTrouble(spec: CsvImportSpec, look: Look): ClaimTrouble | undefined {
  const name = spec.source.volume?.claimName;
  if (name === undefined) return undefined;
  const claim = look(name);
  const what = `PersistentVolumeClaim ${name}`;
  const object = `PersistentVolumeClaim/${name}`;
  if (claim === undefined) {
    return {
      reason: 'ClaimNotFound',
      message: `${what} does not exist. Create it or correct spec.source.volume.claimName in a new CsvImport.`,
      what,
      object,
    };
  }
  if (claim.isDeleting) {
    const message = `${what} is being deleted, so no new pod can mount it. Create it again or name another claim in a new CsvImport.`;
    return { reason: 'ClaimTerminating', message, what: `${what} to be there again`, object };
  }
  if (claim.phase === 'Lost') {
    const message = `${what} has lost its volume. Restore the volume, or name another claim in a new CsvImport.`;
    return { reason: 'ClaimLost', message, what: `${what} to have a volume`, object };
  }
  if (claim.accessModes.length === 1 && claim.accessModes[0] === 'ReadWriteOncePod') {
    const message = `${what} can be mounted by one pod at a time, and coordinator and workers read it together. Use a claim with access mode ReadOnlyMany, ReadWriteMany or ReadWriteOnce in a new CsvImport.`;
    return { reason: 'ClaimForOnePod', message, what: `${what} with another access mode`, object };
  }
  return undefined;
}

export interface ClaimState {
  readonly status: 'True' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** What is to be said of a claim that is no trouble. */
export function claimState(name: string, claim: ClaimFacts | undefined): ClaimState {
  if (claim?.phase === 'Pending') {
    const message = `PersistentVolumeClaim ${name} is not bound to a volume yet. If its storage class waits for the first consumer, the coordinator’s pod is that; else look at the claim’s events.`;
    return { status: 'Unknown', reason: 'ClaimPending', message };
  }
  if (isForOneNode(claim)) {
    const message =
      'The volume claim exists. One node at a time may mount it, so all pods that read it run on one.';
    return { status: 'True', reason: 'ClaimForOneNode', message };
  }
  return { status: 'True', reason: 'ClaimFound', message: 'The volume claim exists.' };
}
