/**
 * Registers us for external metrics at the API server, as long as nobody else is.
 *
 * There is one APIService for the group in a cluster. When there is none we make it, and keep it as
 * it has to be, above all its bundle of authorities. One that has not our label, or that leads to
 * another namespace's Millrace, is somebody else's: it is looked at and never written, and it may
 * become ours by being deleted. Never deleted here: a replica that ends is not the end of the API.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeApi, KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { group, version } from './api/route.ts';
import { isOurs, ourLabels } from './ours.ts';

export const apiServiceType: ResourceType = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
};
export const apiServiceName = `${version}.${group}`;

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export type Registration =
  | { readonly state: 'registered' }
  | { readonly state: 'waiting'; readonly why: string }
  /** Somebody else's. */
  | { readonly state: 'taken'; readonly why: string };

export interface RegistrationOptions {
  readonly api: Pick<KubeApi, 'create' | 'patch'>;
  readonly service: ServiceRef;
}

interface Spec {
  readonly service?: { readonly namespace?: string; readonly name?: string } | null;
  readonly insecureSkipTLSVerify?: boolean;
}

/**
 * One look, with at most one write; `held` is the APIService as a watch has it. A write that loses
 * against another's is an answer too: the watch brings what became of it.
 */
export async function register(
  held: KubeObject | undefined,
  authorities: string,
  { api, service }: RegistrationOptions,
): Promise<Registration> {
  const foreign = held === undefined ? undefined : whose(held, service);
  if (foreign !== undefined) return { state: 'taken', why: foreign };
  const spec = specOf(service, authorities);
  try {
    if (held === undefined) {
      const metadata = { name: apiServiceName, namespace: '', labels: ourLabels };
      const { apiVersion, kind } = apiServiceType;
      await api.create(apiServiceType, { apiVersion, kind, metadata, spec });
    } else if (!isAsItShouldBe(held, spec)) {
      // The version is a precondition: what has become somebody else's meanwhile is not written.
      const { resourceVersion } = held.metadata;
      const ref = { namespace: '', name: apiServiceName };
      const whole = { ...spec, insecureSkipTLSVerify: null };
      await api.patch(apiServiceType, ref, { metadata: { resourceVersion }, spec: whole });
    }
    return { state: 'registered' };
  } catch (error) {
    if (!(error instanceof KubeFailure) || !wasFirst.has(error.reason)) throw error;
    return { state: 'waiting', why: 'Somebody else has just written the APIService.' };
  }
}

const wasFirst: ReadonlySet<string> = new Set(['AlreadyExists', 'Conflict', 'NotFound']);

/** Undefined for what is ours to write. */
function whose(held: KubeObject, service: ServiceRef): string | undefined {
  const { namespace, name } = (held['spec'] as Spec | undefined)?.service ?? {};
  const leadsTo = namespace === undefined ? 'the API server itself' : `${namespace}/${name}`;
  if (isOurs(held) && namespace === service.namespace) return undefined;
  const owner = isOurs(held) ? 'the Millrace' : 'the server';
  return `ExternalMetricsTaken: APIService ${apiServiceName} belongs to ${owner} behind ${leadsTo}; it is left alone.`;
}

function isAsItShouldBe(held: KubeObject, spec: object): boolean {
  const actual = (held['spec'] ?? {}) as Spec & Readonly<Record<string, unknown>>;
  const differs = Object.entries(spec).some(
    ([key, value]) => !isDeepStrictEqual(actual[key], value),
  );
  return !differs && actual.insecureSkipTLSVerify !== true;
}

function specOf({ namespace, name, port }: ServiceRef, authorities: string): object {
  return {
    group,
    version,
    // Between groups and versions of one name only, of which there are none; zero is not allowed.
    groupPriorityMinimum: 100,
    versionPriority: 100,
    service: { namespace, name, port },
    caBundle: Buffer.from(authorities).toString('base64'),
  };
}
