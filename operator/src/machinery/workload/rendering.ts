/**
 * What the pods of a resource are made from: image, configuration file and pod templates, rendered
 * once for a spec and kept ever after, so that a newer operator restarts no pod.
 *
 * The three belong together: a configuration is only sure to be understood by the image that it was
 * rendered for. They are therefore pinned as one text, in the ConfigMap, and written in one call. A
 * pass takes the text that is held when two things are true. It was rendered for the same spec, apart
 * from what no pod reads, which the kind leaves out of what it compares. And a Job or Deployment of
 * the resource names its digest, so that pods made from it exist, and so that whoever may edit
 * ConfigMaps only cannot write a pod template here. Otherwise the pods are rendered anew, with the
 * image and the defaults of this operator.
 *
 * A pinned resource gets a new image by any change of its spec that pods read, or by hand, with
 * `kubectl delete configmap <name>-config`. Deleting a Deployment or a Job brings the same one back.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import type { KubeObject } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import { renderingAnnotation, renderingKey } from './names.ts';
import type { PodTemplate } from './pod-template.ts';

export interface Pods<Role extends string> {
  readonly image: string;
  /** Text of config.json. */
  readonly config: string;
  readonly templates: Readonly<Record<Role, PodTemplate>>;
}

export interface Rendering<Role extends string> extends Pods<Role> {
  /** All of it, with the digest of the spec it is for. */
  readonly text: string;
  /** Of the text; named by every child that was made from it. */
  readonly digest: string;
}

export interface RenderingInput<Role extends string> {
  /** The part of the spec that pods read; compared whatever the order its fields are written in. */
  readonly read: object;
  readonly roles: readonly Role[];
  readonly owner: { readonly uid: string };
  readonly configMap: KubeObject | undefined;
  /** Jobs and Deployments that pods are made from. */
  readonly users: readonly (KubeObject | undefined)[];
  /** How this operator makes pods, if it has to. */
  readonly render: () => Pods<Role>;
}

/** The rendering that the present spec and children ask for: what is pinned, or a new one. */
export function pinnedRendering<Role extends string>(input: RenderingInput<Role>): Rendering<Role> {
  const wanted = digestOf(canonicalJson(input.read));
  const held = heldRendering(input);
  if (held !== undefined && held.spec === wanted) return held;
  const pods = input.render();
  const text = JSON.stringify({ spec: wanted, ...pods });
  return { ...pods, text, digest: digestOf(text) };
}

interface Written<Role extends string> extends Pods<Role> {
  readonly spec: string;
}

function heldRendering<Role extends string>({
  roles,
  owner,
  configMap,
  users,
}: RenderingInput<Role>): (Rendering<Role> & Written<Role>) | undefined {
  const isOurs = (object: KubeObject | undefined): object is KubeObject =>
    object !== undefined && controllerOf(object)?.uid === owner.uid;
  if (!isOurs(configMap)) return undefined;
  const text = (configMap['data'] as Record<string, string> | undefined)?.[renderingKey];
  if (text === undefined) return undefined;
  const digest = digestOf(text);
  const isUsed = users
    .filter(isOurs)
    .some(({ metadata }) => metadata.annotations?.[renderingAnnotation] === digest);
  return isUsed ? parse(text, { digest, roles }) : undefined;
}

/** A text of another version of this file that lacks what this one needs is rendered anew. */
function parse<Role extends string>(
  text: string,
  { digest, roles }: { readonly digest: string; readonly roles: readonly Role[] },
): (Rendering<Role> & Written<Role>) | undefined {
  // Written by an operator: a child that we control names its digest.
  const { spec, image, config, templates } = JSON.parse(text) as Partial<Written<Role>>;
  if (spec === undefined || image === undefined || config === undefined) return undefined;
  if (templates === undefined || !roles.every((role) => role in templates)) return undefined;
  return { spec, image, config, templates, text, digest };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
