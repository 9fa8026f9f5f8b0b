/**
 * What every group of the Kubernetes API says about itself. Pure.
 *
 * The list of resources is also how the API server in front finds out whether we are there: it must be
 * 200, whatever else is. It asks for all groups in one aggregated document first, and reads the older
 * documents when it is told 406. Schemas are stubs: the group has nothing that anybody could write.
 */
import { group, resource, version } from './route.ts';
import { ok, refused, type Reply } from './reply.ts';

const groupVersion = `${group}/${version}`;
const preferred = { groupVersion, version };
const apiGroup = { name: group, versions: [preferred], preferredVersion: preferred };
const info = { title: 'Millrace metrics API', version };

const documents: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: [], serverAddressByClientCIDRs: [] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] },
  [`/apis/${group}`]: { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup },
  [`/apis/${groupVersion}`]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: [
      {
        name: resource,
        singularName: '',
        namespaced: true,
        kind: 'ExternalMetricValueList',
        verbs: ['get'],
      },
    ],
  },
  '/openapi/v2': { swagger: '2.0', info, paths: {} },
  '/openapi/v3': {
    paths: { [`apis/${groupVersion}`]: { serverRelativeURL: `/openapi/v3/apis/${groupVersion}` } },
  },
  [`/openapi/v3/apis/${groupVersion}`]: { openapi: '3.0.0', info, paths: {} },
};

export function discover(path: string, accept: string): Reply {
  const isAggregated = accept.includes('g=apidiscovery.k8s.io');
  const hasPlain = accept.split(',').some((type) => !type.includes('g=apidiscovery.k8s.io'));
  if (isAggregated && (path === '/apis' || path === '/api') && !hasPlain) {
    return refused(406, 'There is no aggregated discovery here; ask for application/json.');
  }
  const document = documents[path];
  return document === undefined ? refused(404, 'There is nothing at this address.') : ok(document);
}
