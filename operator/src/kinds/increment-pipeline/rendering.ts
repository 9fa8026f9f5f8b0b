/** How the pods of a pipeline are made, and what of its spec they read; see machinery/workload/rendering.ts. */
import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { secretName, type Owner } from '../../machinery/workload/names.ts';
import { podTemplate, type PodTemplate } from '../../machinery/workload/pod-template.ts';
import {
  pinnedRendering,
  type Pods as RolePods,
  type Rendering as RoleRendering,
} from '../../machinery/workload/rendering.ts';
import { configFile } from './children/config-map.ts';
import { names, roles, type Role } from './names.ts';
import type { Observed } from './observed.ts';

export type Pods = RolePods<Role>;
export type Rendering = RoleRendering<Role>;

export interface RenderInput {
  readonly owner: Owner;
  readonly spec: IncrementPipelineSpec;
  readonly image: string;
}

/** How this operator makes pods; another version of it does so in another way. */
export type RenderPods = (input: RenderInput) => Pods;

export function renderPods({ owner, spec, image }: RenderInput): Pods {
  const { text, hash } = configFile(owner, spec);
  const template = (role: Role): PodTemplate =>
    podTemplate({
      names,
      owner,
      role,
      image,
      configHash: hash,
      secretName: secretName(spec),
      isOnce: role === 'janitor',
      isServing: role === 'gateway',
    });
  return {
    image,
    config: text,
    templates: {
      gateway: template('gateway'),
      worker: template('worker'),
      janitor: template('janitor'),
    },
  };
}

export interface RenderingInput {
  readonly spec: IncrementPipelineSpec;
  readonly observed: Observed;
  /** Image of pods that are rendered anew. */
  readonly image: string;
  readonly render?: RenderPods;
}

/** The rendering that the present spec and children ask for: what is pinned, or a new one. */
export function renderingOf(input: RenderingInput): Rendering {
  const { spec, observed, image, render = renderPods } = input;
  const { owner, children } = observed;
  return pinnedRendering({
    read: whatPodsRead(spec),
    roles,
    owner,
    configMap: children.configMap,
    users: [children.gateway, children.worker],
    render: () => render({ owner, spec, image }),
  });
}

function whatPodsRead({
  workers: _w,
  scaling: _sc,
  suspend: _s,
  paused: _p,
  deletionPolicy: _d,
  gateway,
  ...read
}: IncrementPipelineSpec): object {
  const { replicas: _r, ...served } = gateway ?? {};
  return { ...read, gateway: served };
}
