/** How the pods of an import are made, and what of its spec they read; see machinery/workload/rendering.ts. */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import type { Owner } from '../../machinery/workload/names.ts';
import type { PodTemplate } from '../../machinery/workload/pod-template.ts';
import {
  pinnedRendering,
  type Pods as RolePods,
  type Rendering as RoleRendering,
} from '../../machinery/workload/rendering.ts';
import { isForOneNode } from './claim.ts';
import { configFile } from './children/config-map.ts';
import { podTemplate } from './children/pod.ts';
import { roles, type Role } from './names.ts';
import type { Observed } from './observed.ts';

export type Pods = RolePods<Role>;
export type Rendering = RoleRendering<Role>;

export interface RenderInput {
  readonly owner: Owner;
  readonly spec: CsvImportSpec;
  readonly image: string;
  /** Whether the volume of the source can be mounted by one node only. */
  readonly isOnOneNode?: boolean;
}

/** How this operator makes pods; another version of it does so in another way. */
export type RenderPods = (input: RenderInput) => Pods;

export function renderPods({ owner, spec, image, isOnOneNode = false }: RenderInput): Pods {
  const { text, hash } = configFile(owner, spec);
  const template = (role: Role): PodTemplate =>
    podTemplate({ owner, spec, role, image, configHash: hash, isOnOneNode });
  return {
    image,
    config: text,
    templates: {
      coordinator: template('coordinator'),
      worker: template('worker'),
      gateway: template('gateway'),
    },
  };
}

export interface RenderingInput {
  readonly spec: CsvImportSpec;
  readonly observed: Observed;
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
}

/** The rendering that the present spec and children ask for: what is pinned, or a new one. */
export function renderingOf(input: RenderingInput): Rendering {
  const { spec, observed, image, render = renderPods } = input;
  const { owner, children } = observed;
  const isTogether = isOnOneNode(spec, observed);
  return pinnedRendering({
    read: whatPodsRead(spec),
    roles,
    owner,
    configMap: children.configMap,
    // A gateway may be there before the claim is, and says nothing of those who are to mount it.
    users: [children.job, children.worker, ...(isTogether ? [] : [children.gateway])],
    render: () => render({ owner, spec, image, isOnOneNode: isTogether }),
  });
}

function isOnOneNode({ source: { volume } }: CsvImportSpec, { claim }: Observed): boolean {
  return volume !== undefined && isForOneNode(claim(volume.claimName));
}

function whatPodsRead({
  workers: _w,
  scaling: _sc,
  suspend: _s,
  paused: _p,
  deletionPolicy: _d,
  ttlAfterFinished: _t,
  serve,
  ...read
}: CsvImportSpec): object {
  const { replicas: _r, ...served } = serve ?? {};
  return { ...read, serve: served };
}
