/**
 * From what a person types to a resource: `csvi/users`, `CsvImport/users`, `csvimports.millrace.dev/users`.
 * A resource that is not there and a definition that is not installed are told apart, because the
 * remedy differs.
 */
import { kinds } from '@millrace/crds';
import { group } from '@millrace/crds/define-kind';
import { exitCode } from '@millrace/kit/exit-code';
import type { KubeApi, KubeObject, ObjectList, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import type { KindPreview } from '../machinery/preview.ts';
import { previews } from '../registry.ts';
import { badUsage, CommandFailure } from './ending.ts';

export interface Named {
  readonly preview: KindPreview;
  readonly name: string;
}

/** `csvimport`, the name of a kind as people type it. */
export function singularOf({ kind }: ResourceType): string {
  return kinds.find((one) => one.kind === kind)?.singular ?? kind.toLowerCase();
}

export function previewOf(apiVersion: unknown, kind: unknown): KindPreview | undefined {
  return previews.find(({ type }) => type.apiVersion === apiVersion && type.kind === kind);
}

export function parseName(text: string): Named {
  const [typed = '', name = '', ...more] = text.split('/');
  const preview = previews.find(({ type }) => namesOf(type).includes(bare(typed)));
  if (preview === undefined || name === '' || more.length > 0) {
    const examples = previews.map(({ type }) => `${singularOf(type)}/<name>`).join(' or ');
    throw badUsage(`${text}: name a resource as ${examples}, such as ${example()}`);
  }
  return { preview, name };
}

function example(): string {
  const [first] = previews;
  return first === undefined ? 'kind/name' : `${singularOf(first.type)}/users`;
}

function bare(typed: string): string {
  const lower = typed.toLowerCase();
  return lower.endsWith(`.${group}`) ? lower.slice(0, -group.length - 1) : lower;
}

function namesOf({ kind, plural }: ResourceType): readonly string[] {
  const names = kinds.find((one) => one.kind === kind);
  return [kind.toLowerCase(), plural, names?.singular, names?.shortName].flatMap((name) =>
    name === undefined ? [] : [name],
  );
}

export async function findResource(
  api: KubeApi,
  { preview, name }: Named,
  namespace: string,
): Promise<KubeObject> {
  const { type } = preview;
  const found = await api.get(type, { namespace, name });
  if (found !== undefined) return found;
  const { items } = await listResources(api, type, namespace);
  const others = items.slice(0, 5).map(({ metadata }) => metadata.name);
  const there =
    others.length === 0
      ? `that namespace has no ${type.kind}; look in another with -n, or with \`millrace status -A\``
      : `there ${others.length === 1 ? 'is' : 'are'} ${others.join(', ')}${items.length > 5 ? ' and others' : ''}`;
  throw new CommandFailure(
    exitCode.badInput,
    `no ${singularOf(type)} ${name} in namespace ${namespace}: ${there}`,
  );
}

/** An empty namespace means all. */
export async function listResources(
  api: KubeApi,
  type: ResourceType,
  namespace: string,
): Promise<ObjectList> {
  try {
    return await api.list(type, namespace === '' ? {} : { namespace });
  } catch (error) {
    throw notInstalled(type, error) ?? error;
  }
}

/** The API answers NotFound to a list only when it does not know the type. */
export function notInstalled(type: ResourceType, error: unknown): CommandFailure | undefined {
  if (!(error instanceof KubeFailure) || error.reason !== 'NotFound') return undefined;
  const slug = kinds.find((one) => one.kind === type.kind)?.slug ?? type.plural;
  return new CommandFailure(
    exitCode.badInput,
    `this cluster does not know ${type.plural}.${group}: its definition is not installed.\nInstall it: kubectl apply --server-side -f crds/${slug}.yaml`,
    { cause: error },
  );
}
