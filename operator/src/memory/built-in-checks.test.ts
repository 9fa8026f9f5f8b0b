import { expect, test } from 'vitest';
import {
  configMap,
  configMaps,
  deployment,
  deployments,
  job,
  jobs,
  name,
  object,
} from '../../test/contract/target.ts';
import type { KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { createMemoryApi } from './memory-api.ts';

const ref = { namespace: 'default', name };
const services = { apiVersion: 'v1', kind: 'Service', plural: 'services' };
const pods = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const port = { port: 80, targetPort: 'http' };

async function refusal(type: ResourceType, given: KubeObject): Promise<string | undefined> {
  const api = createMemoryApi({ now: () => 0, newUid: () => 'uid' });
  return api.create(type, given).then(
    () => undefined,
    (error: Error) => error.message.replace(/^.* is invalid: /, ''),
  );
}

const { namespace } = ref;
const long = 'n'.repeat(64);
const noContainers = { metadata: { labels: { app: name } }, spec: { containers: [] } };
const noImage = { restartPolicy: 'Never', containers: [{ name: 'main' }] };
const oneOwner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };

test.each<[string, ResourceType, KubeObject, string]>([
  [
    'a Deployment without containers',
    deployments,
    deployment(namespace, { template: noContainers }),
    'spec.template.spec.containers: needs at least one container',
  ],
  [
    'a Deployment with less than no replicas',
    deployments,
    deployment(namespace, { replicas: -1 }),
    'spec.replicas: must be a whole number of 0 or more',
  ],
  [
    'a Deployment without a selector',
    deployments,
    deployment(namespace, { selector: {} }),
    'spec.selector.matchLabels: must not be empty and must match spec.template.metadata.labels',
  ],
  [
    'a Job whose container has no image',
    jobs,
    job(namespace, { template: { spec: noImage } }),
    'spec.template.spec.containers[0].image: is required',
  ],
  [
    'a Job that restarts for ever',
    jobs,
    job(namespace, {
      template: { spec: { restartPolicy: 'Always', containers: [{ name: 'm', image: 'i' }] } },
    }),
    'spec.template.spec.restartPolicy: must be Never or OnFailure',
  ],
  [
    'a Job whose name cannot be a label',
    jobs,
    { ...job(namespace), metadata: { namespace, name: long } },
    'metadata.name: must be lower-case letters, digits, dashes and dots, start and end with a letter or digit and have at most 63 characters',
  ],
  [
    'a Service whose name cannot be a host name',
    services,
    object(services, { namespace, name: '1.a' }, { spec: { ports: [port] } }),
    'metadata.name: must be lower-case letters, digits and dashes, start with a letter and have at most 63 characters',
  ],
  [
    'a Service without ports',
    services,
    object(services, ref, { spec: {} }),
    'spec.ports: needs at least one port',
  ],
  [
    'a Service with a port by name only',
    services,
    object(services, ref, { spec: { ports: [{ name: 'http' }] } }),
    'spec.ports[0].port: must be a port number',
  ],
  [
    'a Pod of nothing',
    pods,
    object(pods, ref, { spec: {} }),
    'spec.containers: needs at least one container',
  ],
  [
    'a ConfigMap with a number in it',
    configMaps,
    object(configMaps, ref, { data: { a: 1 } }),
    'data[a]: must be a string: quote it',
  ],
  [
    'a ConfigMap with a path for a key',
    configMaps,
    object(configMaps, ref, { data: { 'a/b': '1' } }),
    'data: keys must be letters, digits, dashes, dots and underscores',
  ],
  [
    'an annotation that is no string',
    configMaps,
    configMap(namespace, {}, { annotations: { a: true } }),
    'metadata.annotations[a]: must be a string: quote it',
  ],
  [
    'two controllers',
    configMaps,
    configMap(namespace, {}, { ownerReferences: [oneOwner, { ...oneOwner, uid: 'v' }] }),
    'metadata.ownerReferences: only one owner may be the controller',
  ],
])('refuses %s', async (_what, type, given, message) => {
  expect(await refusal(type, given)).toBe(message);
});

test('fills in what changes the meaning of an apply: replicas, and how a Job counts', async () => {
  const api = createMemoryApi({ now: () => 0, newUid: () => 'uid' });

  const madeJob = await api.create(jobs, job(namespace));
  const service = await api.create(services, object(services, ref, { spec: { ports: [port] } }));

  expect(madeJob['spec']).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6 });
  expect(service['spec']).toMatchObject({ type: 'ClusterIP' });
});
