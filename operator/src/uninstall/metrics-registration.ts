/**
 * Takes our metrics API out of the API server before its pods go.
 *
 * An APIService without a server behind it breaks discovery for everybody: namespaces hang in their
 * deletion. Its maker makes it again as long as it may, so the right is taken away first; the server
 * answers until the end, so there is no moment in which it is registered and silent. One that is not
 * ours, or of another release, is never touched.
 */
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';

const apiServices: ResourceType = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
};
const clusterRoleBindings: ResourceType = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
};
const registration = { namespace: '', name: 'v1beta1.external.metrics.k8s.io' };
const partOf = 'app.kubernetes.io/part-of';

/** An API server learns of a right taken away within milliseconds; until then one may come back. */
const looks = 5;
const lookPeriodMs = 500;

export interface Registration {
  readonly service: { readonly namespace: string; readonly name: string };
  /** The ClusterRoleBinding that lets it be registered. */
  readonly binding: string;
}

export interface Parts {
  readonly api: Pick<KubeApi, 'get' | 'delete'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

export type Outcome = 'removed' | 'absent' | 'foreign';

export async function withdraw(
  { service, binding }: Registration,
  { api, clock }: Parts,
): Promise<Outcome> {
  await api.delete(clusterRoleBindings, { namespace: '', name: binding });
  let outcome: Outcome = 'absent';
  for (let look = 1; look <= looks; look++) {
    const found = await api.get(apiServices, registration);
    if (found !== undefined && !isOf(found, service)) return 'foreign';
    if (found !== undefined) {
      await removed(api, found);
      outcome = 'removed';
    }
    if (look < looks) await clock.sleep(lookPeriodMs);
  }
  return outcome;
}

/** Somebody else may have registered meanwhile; the next look tells. */
async function removed(api: Parts['api'], { metadata }: KubeObject): Promise<void> {
  const { uid } = metadata;
  try {
    await api.delete(apiServices, registration, uid === undefined ? {} : { uid });
  } catch (error) {
    if (!(error instanceof KubeFailure) || error.reason !== 'Conflict') throw error;
  }
}

function isOf(found: KubeObject, service: Registration['service']): boolean {
  const { spec, metadata } = found as KubeObject & {
    readonly spec?: { readonly service?: { readonly namespace?: string; readonly name?: string } };
  };
  const served = spec?.service;
  const isSame = served?.namespace === service.namespace && served.name === service.name;
  return metadata.labels?.[partOf] === 'millrace' && isSame;
}
