/** What wakes a IncrementPipeline: its own changes and those of its children. */
import type { ControllerSpec } from '../../machinery/controller.ts';
import type { ControllerContext } from '../../machinery/kind.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Manager } from '../../machinery/manager.ts';
import { keyOfObject } from '../../machinery/object-key.ts';
import { kindLabel, managedBy, uidLabel } from './names.ts';
import { childIndex, ownedByUid, type Caches } from './observe.ts';
import { createReconcile } from './reconcile.ts';
import { incrementPipelines, ownedTypes } from './resource-types.ts';

/** Passes are short and wait for the API only; more would just queue there. */
const concurrency = 8;

export function incrementPipelineController(
  manager: Manager,
  context: ControllerContext,
): ControllerSpec {
  const { api, clock, telemetry } = manager.options;
  const owned = {
    labels: { ...managedBy, [kindLabel]: 'increment-pipeline' },
    indexes: { [ownedByUid]: childIndex },
  };
  const caches: Caches = {
    resources: manager.cache(incrementPipelines),
    owned: new Map(ownedTypes.map((type) => [type, manager.cache(type, owned)])),
  };
  const keysByUid = ({ metadata }: KubeObject): readonly string[] => {
    const resource = caches.resources.byUid(metadata.labels?.[uidLabel] ?? '');
    return resource === undefined ? [] : [keyOfObject(resource)];
  };
  const { writes, fence } = manager;
  return {
    name: 'increment-pipeline',
    primary: incrementPipelines,
    concurrency,
    wakes: ownedTypes.map((type) => ({ type, keysOf: keysByUid })),
    reconcile: createReconcile({ ...context, api, clock, telemetry, writes, fence, caches }),
  };
}
