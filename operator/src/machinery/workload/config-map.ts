/**
 * The ConfigMap of a resource: the pods' configuration file, the spec it was made from, and the
 * rendering that all its pods are made from. The digest of the file in the pods' annotations makes
 * them start anew when it changes.
 */
import { createHash } from 'node:crypto';
import type { KubeObject } from '../kube-api.ts';
import {
  configKey,
  configMapName,
  renderingKey,
  specKey,
  type KindNames,
  type Owner,
} from './names.ts';

export interface ConfigFile {
  readonly text: string;
  readonly hash: string;
}

export function configFileOf(config: object): ConfigFile {
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  return { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}

export interface ConfigContent {
  readonly spec: object;
  readonly rendering: { readonly config: string; readonly text: string };
}

export function configMap<Role extends string>(
  names: Pick<KindNames<Role>, 'metadata'>,
  owner: Owner,
  { spec, rendering }: ConfigContent,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: names.metadata(owner, { name: configMapName(owner.name), component: 'config' }),
    data: {
      [configKey]: rendering.config,
      [specKey]: JSON.stringify(spec),
      [renderingKey]: rendering.text,
    },
  };
}
