/**
 * The objects of the API on disk, so that an interrupted run resumes with the same uids.
 *
 * A run loads only what its manifests name and what belongs to that; objects of other manifests are
 * parked: kept in the file, unseen by the API, until a run names them again. Pods that had not ended
 * are dropped on loading, as if their host had gone away: their controllers make new ones. Writes are
 * atomic and gathered for a moment; `flush` is for what must be on disk before anyone acts on it.
 * The file holds the last run's backends Secret too, so only its owner may read it.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { apiVersion as ourApiVersion } from '@millrace/crds/define-kind';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Snapshot, SnapshotObject } from '@millrace/operator/memory/snapshot';
import { asPod, isFinished, isTerminating } from '../controllers/workload.ts';
import { Refusal } from '../refusal.ts';

interface SavedState {
  readonly version: 1;
  readonly snapshot: Snapshot;
  /** Local ports of Services, so that printed URLs stay right. */
  readonly servicePorts: Readonly<Record<string, number>>;
}

export interface LoadedObjects {
  readonly snapshot: Snapshot | undefined;
  readonly parked: readonly SnapshotObject[];
  readonly servicePorts: Readonly<Record<string, number>>;
}

export async function loadObjects(
  file: string,
  isNamed: (object: KubeObject) => boolean,
): Promise<LoadedObjects> {
  const saved = await readState(file);
  if (saved === undefined) return { snapshot: undefined, parked: [], servicePorts: {} };
  const { snapshot, servicePorts } = saved;
  const objects = snapshot.objects.filter(({ object }) => isKept(object));
  const parts = partition(objects, isNamed);
  return {
    snapshot: { revision: snapshot.revision, objects: parts.named },
    parked: parts.parked,
    servicePorts,
  };
}

async function readState(file: string): Promise<SavedState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const state = JSON.parse(text) as SavedState;
    if (state.version === 1) return state;
  } catch (error) {
    throw new Refusal(`${file} cannot be read; start over with --fresh.`, { cause: error });
  }
  throw new Refusal(`${file} is of another version of play; start over with --fresh.`);
}

/** Events are about a run, not about the objects; unfinished pods died with their host. */
function isKept(object: KubeObject): boolean {
  if (object.kind === 'Event') return false;
  return object.kind !== 'Pod' || (isFinished(asPod(object)) && !isTerminating(object));
}

/** What belongs to nothing of ours, such as the Secret of the backends, is made anew by each run. */
function partition(
  objects: readonly SnapshotObject[],
  isNamed: (object: KubeObject) => boolean,
): { readonly named: readonly SnapshotObject[]; readonly parked: readonly SnapshotObject[] } {
  const ours = withDependents(objects, (object) => object.apiVersion === ourApiVersion);
  const named = withDependents(ours, isNamed);
  return { named, parked: ours.filter((one) => !named.includes(one)) };
}

function withDependents(
  objects: readonly SnapshotObject[],
  isRoot: (object: KubeObject) => boolean,
): readonly SnapshotObject[] {
  const uids = new Set<string>();
  const isIn = ({ object }: SnapshotObject): boolean => uids.has(object.metadata.uid ?? '');
  for (let before = -1; before !== uids.size;) {
    before = uids.size;
    for (const { object } of objects) {
      const owners = object.metadata.ownerReferences ?? [];
      const isOwned = owners.some((owner) => uids.has(owner.uid));
      if (isOwned || (owners.length === 0 && isRoot(object))) uids.add(object.metadata.uid ?? '');
    }
  }
  return objects.filter(isIn);
}

export interface ObjectSaver {
  /** Something changed; it is written soon. */
  changed(): void;
  /** Resolves when the present state is on disk. */
  flush(): Promise<void>;
}

/** A kill -9 within this time costs a status, never an identity: those are flushed. */
const gatherMs = 100;

export function objectSaver(options: {
  readonly file: string;
  readonly parked: readonly SnapshotObject[];
  snapshot(): Snapshot;
  servicePorts(): Readonly<Record<string, number>>;
  onError(error: unknown): void;
}): ObjectSaver {
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const { revision, objects } = options.snapshot();
    const state: SavedState = {
      version: 1,
      snapshot: { revision, objects: [...objects, ...options.parked] },
      servicePorts: options.servicePorts(),
    };
    await mkdir(dirname(options.file), { recursive: true, mode: 0o700 });
    // Secrets are in it.
    await writeFile(`${options.file}.new`, JSON.stringify(state), { mode: 0o600 });
    await rename(`${options.file}.new`, options.file);
  };
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write, write);
    await writing;
  };
  return {
    flush,
    changed: () => {
      timer ??= setTimeout(
        () => void flush().catch((error: unknown) => options.onError(error)),
        gatherMs,
      ).unref();
    },
  };
}
