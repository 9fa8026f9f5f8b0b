/**
 * What the pods of an import are made from: image, configuration file and pod templates, rendered
 * once for a spec and kept ever after, so that a newer operator restarts no pod.
 *
 * The three belong together: a configuration is only sure to be understood by the image that it was
 * rendered for. They are therefore pinned as one text, in the ConfigMap, and written in one call. A
 * pass takes the text that is held when two things are true. It was rendered for the same spec, apart
 * from what no pod reads: the numbers of pods, `suspend` and `paused`. And a Job or Deployment of the
 * import names its digest, so that pods made from it exist, and so that whoever may edit ConfigMaps
 * only cannot write a pod template here. Otherwise the pods are rendered anew, with the image and the
 * defaults of this operator.
 *
 * A pinned import gets a new image by any change of its spec that pods read, or by hand, with
 * `kubectl delete configmap <name>-config`. Deleting a Deployment or a Job brings the same one back.
 */
import { createHash } from 'node:crypto';
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { canonicalJson } from '../../machinery/canonical-json.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { controllerOf } from '../../machinery/object-key.ts';
import { configFile } from './children/config-map.ts';
import { podTemplate, type PodTemplate } from './children/pod.ts';
import { renderingAnnotation, renderingKey, type Owner, type Role } from './names.ts';
import type { Observed } from './observed.ts';

export interface Pods {
  readonly image: string;
  /** Text of config.json. */
  readonly config: string;
  readonly templates: Readonly<Record<Role, PodTemplate>>;
}

export interface Rendering extends Pods {
  /** All of it, with the digest of the spec it is for. */
  readonly text: string;
  /** Of the text; named by every child that was made from it. */
  readonly digest: string;
}

export interface RenderInput {
  readonly owner: Owner;
  readonly spec: CsvImportSpec;
  readonly image: string;
}

/** How this operator makes pods; another version of it does so in another way. */
export type RenderPods = (input: RenderInput) => Pods;

export function renderPods({ owner, spec, image }: RenderInput): Pods {
  const { text, hash } = configFile(owner, spec);
  const template = (role: Role): PodTemplate =>
    podTemplate({ owner, spec, role, image, configHash: hash });
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
  const wanted = specDigest(spec);
  const pinned = pinnedRendering(observed);
  if (pinned !== undefined && pinned.spec === wanted) return pinned;
  const pods = render({ owner: observed.owner, spec, image });
  const text = JSON.stringify({ spec: wanted, ...pods });
  return { ...pods, text, digest: digestOf(text) };
}

function pinnedRendering({ owner, children }: Observed): (Rendering & Written) | undefined {
  const { configMap, job, worker, gateway } = children;
  const isOurs = (object: KubeObject | undefined): object is KubeObject =>
    object !== undefined && controllerOf(object)?.uid === owner.uid;
  if (!isOurs(configMap)) return undefined;
  const text = (configMap['data'] as Record<string, string> | undefined)?.[renderingKey];
  if (text === undefined) return undefined;
  const digest = digestOf(text);
  const isUsed = [job, worker, gateway]
    .filter(isOurs)
    .some(({ metadata }) => metadata.annotations?.[renderingAnnotation] === digest);
  return isUsed ? parse(text, digest) : undefined;
}

interface Written extends Pods {
  readonly spec: string;
}

/** A text of another version of this file that lacks what this one needs is rendered anew. */
function parse(text: string, digest: string): (Rendering & Written) | undefined {
  // Written by an operator: a child that we control names its digest.
  const { spec, image, config, templates } = JSON.parse(text) as Partial<Written>;
  const { coordinator, worker, gateway } = templates ?? {};
  if (spec === undefined || image === undefined || config === undefined) return undefined;
  if (coordinator === undefined || worker === undefined || gateway === undefined) return undefined;
  return { spec, image, config, templates: { coordinator, worker, gateway }, text, digest };
}

/** Digest of what pods are made from; the same whatever the order in which fields are written. */
function specDigest({
  workers: _w,
  suspend: _s,
  paused: _p,
  serve,
  ...read
}: CsvImportSpec): string {
  const { replicas: _r, ...served } = serve ?? {};
  return digestOf(canonicalJson({ ...read, serve: served }));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
