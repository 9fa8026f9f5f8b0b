/**
 * RBAC as an API server applies it, for the calls of the port: what a call needs, and an API that
 * refuses what was not granted and remembers what was used.
 */
import type { ApplyOptions, KubeApi, KubeObject, ResourceType } from '../src/machinery/kube-api.ts';
import { KubeFailure } from '../src/machinery/kube-failure.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** `verb group/resource`, one for each combination. */
export function rightsOf(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
    ),
  );
}

const needs: Readonly<Record<keyof KubeApi, readonly [verb: string, sub: string]>> = {
  get: ['get', ''],
  list: ['list', ''],
  watch: ['watch', ''],
  create: ['create', ''],
  apply: ['patch', ''],
  patch: ['patch', ''],
  applyStatus: ['patch', '/status'],
  scale: ['patch', '/scale'],
  delete: ['delete', ''],
};

export interface Guarded {
  readonly api: KubeApi;
  readonly used: ReadonlySet<string>;
  /** Kept too, since not everybody makes a fuss about it: an event that is not written is one less. */
  readonly refused: ReadonlySet<string>;
}

export function guarded(api: KubeApi, granted: ReadonlySet<string>): Guarded {
  const used = new Set<string>();
  const refused = new Set<string>();
  const use = (type: ResourceType, verb: string, sub = ''): void => {
    const group = type.apiVersion.includes('/') ? type.apiVersion.split('/')[0] : '';
    const right = `${verb} ${group}/${type.plural}${sub}`;
    if (granted.has(right)) used.add(right);
    else {
      refused.add(right);
      throw new KubeFailure('Forbidden', `no right to ${right}`);
    }
  };
  const proxy = new Proxy(api, {
    get:
      (target, verb: keyof KubeApi) =>
      (type: ResourceType, ...rest: readonly unknown[]) => {
        use(type, ...needs[verb]);
        // An apply makes what is not there, and that is a right of its own.
        if (verb === 'apply') return applied(target, { type, rest, use });
        return Reflect.apply(target[verb], target, [type, ...rest]) as unknown;
      },
  });
  return { api: proxy, used, refused };
}

interface Apply {
  readonly type: ResourceType;
  readonly rest: readonly unknown[];
  readonly use: (type: ResourceType, verb: string) => void;
}

async function applied(api: KubeApi, { type, rest, use }: Apply): Promise<unknown> {
  const [object, options] = rest as readonly [KubeObject, ApplyOptions];
  if ((await api.get(type, object.metadata)) === undefined) use(type, 'create');
  return await api.apply(type, object, options);
}
