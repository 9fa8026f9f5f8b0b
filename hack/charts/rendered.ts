/** The chart as Helm renders it, read back as objects. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { charts, type Helm } from './helm.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface Rendering {
  readonly release?: string;
  readonly namespace?: string;
  /** Arguments that give values: `--values file`, `--set key=value`. */
  readonly values?: readonly string[];
}

/** The sets of values that people are shown; the empty name is the chart as it comes. */
export function valueSets(): readonly {
  readonly name: string;
  readonly values: readonly string[];
}[] {
  const folder = join(charts.millrace, 'examples');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return [
    { name: 'default', values: [] },
    ...files.toSorted().map((name) => ({
      name: name.replace(/[.]yaml$/, ''),
      values: ['--values', join(folder, name)],
    })),
  ];
}

/** Nothing but the arguments decides what is rendered, so the same are not rendered twice. */
const texts = new Map<string, Promise<string>>();

/** The text of all templates, hooks and tests included. */
export async function renderText(helm: Helm, rendering: Rendering = {}): Promise<string> {
  const key = JSON.stringify(rendering);
  const text = texts.get(key) ?? rendered(helm, rendering);
  texts.set(key, text);
  return text;
}

async function rendered(helm: Helm, rendering: Rendering): Promise<string> {
  const { release = 'millrace', namespace = 'millrace-system', values = [] } = rendering;
  const args = ['template', release, charts.millrace, '--namespace', namespace];
  const served = ['--kube-version', '1.35.4', '--api-versions', 'monitoring.coreos.com/v1'];
  const { exitCode, stdout, stderr } = await helm.call([...args, ...served, ...values]);
  if (exitCode !== 0) throw new Error(stderr.trim());
  return stdout;
}

export async function render(helm: Helm, rendering: Rendering = {}): Promise<readonly Manifest[]> {
  return manifestsIn(await renderText(helm, rendering));
}

export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface Pod {
  readonly of: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

interface Templated {
  readonly template?: {
    readonly metadata?: Partial<Pick<Pod, 'labels' | 'annotations'>>;
    readonly spec: PodSpec;
  };
}

/** Every pod that the manifests lead to. */
export function podsOf(manifests: readonly Manifest[]): readonly Pod[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const of = `${kind} ${metadata.name}`;
    if (kind === 'Pod') return [pod(of, metadata, spec as PodSpec)];
    const template = (spec as Templated | undefined)?.template;
    return template === undefined ? [] : [pod(of, template.metadata, template.spec)];
  });
}

function pod(
  of: string,
  metadata: Partial<Pick<Pod, 'labels' | 'annotations'>> | undefined,
  spec: PodSpec,
): Pod {
  return { of, labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {}, spec };
}
