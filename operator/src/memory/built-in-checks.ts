/**
 * Defaults and checks of the built-in resources, as far as operators rely on them: what a real
 * server would refuse at once, and the defaults that change what an apply means.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../machinery/kube-api.ts';
import { copied, getAt, isJsonObject, objectAt, setAt, type JsonObject } from './field-paths.ts';
import { isSelectedBy } from './metadata-checks.ts';
import type { Problem } from './problem.ts';
import type { ResourceKind } from './resource-kinds.ts';

const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Deployment: { replicas: 1 },
  StatefulSet: { replicas: 1 },
  ReplicaSet: { replicas: 1 },
  Job: { parallelism: 1, completions: 1, backoffLimit: 6, suspend: false },
  Service: { type: 'ClusterIP' },
};

/** A new object; defaults have no owner, so whoever sets the field next owns it. */
export function builtInDefaults(kind: ResourceKind, object: JsonObject): JsonObject {
  const complete = copied(object);
  for (const [field, value] of Object.entries(defaults[kind.kind] ?? {})) {
    if (getAt(complete, ['spec', field]) === undefined) setAt(complete, ['spec', field], value);
  }
  if (kind.kind === 'Secret') storeAsData(complete);
  return complete;
}

/** `stringData` is a way to write `data`; it is never stored, read or owned. */
export function storeAsData(secret: JsonObject): void {
  const plain = secret['stringData'];
  Reflect.deleteProperty(secret, 'stringData');
  if (!isJsonObject(plain)) return;
  for (const [key, value] of Object.entries(plain)) {
    setAt(secret, ['data', key], Buffer.from(String(value)).toString('base64'));
  }
}

type Check = (object: JsonObject, before: KubeObject | undefined) => Problem[];

const checks: Readonly<Record<string, readonly Check[]>> = {
  Deployment: [selectsItsPods, podTemplate, replicasCount, fixed(['spec', 'selector'])],
  StatefulSet: [selectsItsPods, podTemplate, replicasCount, fixed(['spec', 'selector'])],
  ReplicaSet: [selectsItsPods, podTemplate, replicasCount, fixed(['spec', 'selector'])],
  Job: [jobRestart, podTemplate, fixed(['spec', 'template']), fixed(['spec', 'podFailurePolicy'])],
  Pod: [(pod) => containers(pod['spec'], 'spec')],
  Service: [servicePorts],
  ConfigMap: [textData],
  Lease: [microTime('acquireTime'), microTime('renewTime')],
  Secret: [base64Data],
};

export function builtInProblems(
  kind: ResourceKind,
  object: JsonObject,
  before: KubeObject | undefined,
): Problem[] {
  return (checks[kind.kind] ?? []).flatMap((check) => check(object, before));
}

function fixed(path: readonly string[]): Check {
  return (object, before) =>
    before === undefined || isDeepStrictEqual(getAt(object, path), getAt(before, path))
      ? []
      : [
          {
            at: path.join('.'),
            message: 'is immutable: delete the object and create it again',
          },
        ];
}

function selectsItsPods(object: JsonObject): Problem[] {
  const spec = objectAt(object, 'spec');
  return isSelectedBy(spec['template'], getAt(spec, ['selector', 'matchLabels']))
    ? []
    : [
        {
          at: 'spec.selector.matchLabels',
          message: 'must not be empty and must match spec.template.metadata.labels',
        },
      ];
}

function podTemplate(object: JsonObject): Problem[] {
  return containers(getAt(object, ['spec', 'template', 'spec']), 'spec.template.spec');
}

function containers(podSpec: unknown, at: string): Problem[] {
  const list = getAt(podSpec, ['containers']);
  if (!Array.isArray(list) || list.length === 0) {
    return [{ at: `${at}.containers`, message: 'needs at least one container' }];
  }
  return list.flatMap((container: unknown, index) =>
    ['name', 'image']
      .filter((field) => typeof getAt(container, [field]) !== 'string')
      .map((field) => ({ at: `${at}.containers[${index}].${field}`, message: 'is required' })),
  );
}

function replicasCount(object: JsonObject): Problem[] {
  const replicas = getAt(object, ['spec', 'replicas']);
  return Number.isSafeInteger(replicas) && Number(replicas) >= 0
    ? []
    : [{ at: 'spec.replicas', message: 'must be a whole number of 0 or more' }];
}

function jobRestart(object: JsonObject): Problem[] {
  const policy = getAt(object, ['spec', 'template', 'spec', 'restartPolicy']);
  return policy === 'Never' || policy === 'OnFailure'
    ? []
    : [{ at: 'spec.template.spec.restartPolicy', message: 'must be Never or OnFailure' }];
}

function servicePorts(object: JsonObject): Problem[] {
  const ports = getAt(object, ['spec', 'ports']);
  if (!Array.isArray(ports) || ports.length === 0) {
    return getAt(object, ['spec', 'clusterIP']) === 'None'
      ? []
      : [{ at: 'spec.ports', message: 'needs at least one port' }];
  }
  return ports.flatMap((port: unknown, index) =>
    typeof getAt(port, ['port']) === 'number'
      ? []
      : [{ at: `spec.ports[${index}].port`, message: 'must be a port number' }],
  );
}

const sixDigits = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/;

/** JavaScript writes three digits, which a real server refuses. */
function microTime(field: string): Check {
  return (object) => {
    const time = getAt(object, ['spec', field]);
    const isTime = time === undefined || (typeof time === 'string' && sixDigits.test(time));
    return isTime
      ? []
      : [{ at: `spec.${field}`, message: 'must be a time with exactly six digits of a second' }];
  };
}

function textData(object: JsonObject): Problem[] {
  return dataProblems(object, 'must be a string: quote it', () => true);
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function base64Data(object: JsonObject): Problem[] {
  return dataProblems(object, 'must be base64: or use stringData', (text) => base64.test(text));
}

function dataProblems(
  object: JsonObject,
  message: string,
  isValid: (text: string) => boolean,
): Problem[] {
  return Object.entries(objectAt(object, 'data')).flatMap(([key, value]) => {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key)) {
      return [
        { at: 'data', message: 'keys must be letters, digits, dashes, dots and underscores' },
      ];
    }
    return typeof value === 'string' && isValid(value) ? [] : [{ at: `data[${key}]`, message }];
  });
}
