/**
 * What a request is for, from its method and address alone. Pure.
 *
 * Addresses of Kubernetes' external metrics, of the discovery that comes with every group of the API,
 * of the same value as plain JSON for autoscalers that read it themselves, and of health.
 */
import type { Action } from '../access/reviews.ts';

export const group = 'external.metrics.k8s.io';
export const version = 'v1beta1';
export const metricName = 'millrace-workers-needed';
/** What the group is listed with, and what a right to read the JSON is named after. */
export const resource = 'externalmetrics';

export type Route =
  | { readonly type: 'health' }
  | { readonly type: 'discovery'; readonly path: string }
  | {
      readonly type: 'metric';
      readonly namespace: string;
      readonly metric: string;
      readonly selector: string;
    }
  | {
      readonly type: 'scaling';
      readonly namespace: string;
      readonly plural: string;
      readonly name: string;
    }
  | { readonly type: 'unknown'; readonly path: string };

const healthPaths = new Set(['/livez', '/readyz', '/healthz']);
const discovery = /^\/(api|apis|openapi|version)(\/|$)/;
const metric = new RegExp(`^/apis/${group}/${version}/namespaces/([^/]+)/([^/]+)$`);
const scaling = /^\/scaling\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/;

export function routeOf(url: string): Route {
  const [rawPath = '/', query = ''] = url.split('?', 2);
  const path = rawPath.length > 1 ? rawPath.replace(/\/$/, '') : rawPath;
  if (healthPaths.has(path)) return { type: 'health' };
  const [, namespace, name] = decodedMatch(metric, path);
  if (namespace !== undefined && name !== undefined) {
    const selector = new URLSearchParams(query).get('labelSelector') ?? '';
    return { type: 'metric', namespace, metric: name, selector };
  }
  const [, where, plural, which] = decodedMatch(scaling, path);
  if (where !== undefined && plural !== undefined && which !== undefined) {
    return { type: 'scaling', namespace: where, plural, name: which };
  }
  return { type: discovery.test(path) ? 'discovery' : 'unknown', path };
}

/**
 * What the caller must be allowed to do. A metric is asked for as the API server in front takes it:
 * the name of the metric is the resource, and a list of its values is read.
 */
export function actionOf(route: Exclude<Route, { readonly type: 'health' }>): Action {
  switch (route.type) {
    case 'metric':
      return {
        verb: 'list',
        group,
        version,
        resource: route.metric,
        namespace: route.namespace,
      };
    case 'scaling':
      return {
        verb: 'get',
        group,
        version,
        resource,
        namespace: route.namespace,
        name: route.name,
      };
    case 'discovery':
    case 'unknown':
      return { verb: 'get', path: route.path };
  }
}

/** Nothing matches text that cannot be decoded. */
function decodedMatch(pattern: RegExp, path: string): readonly (string | undefined)[] {
  try {
    return (pattern.exec(path) ?? []).map((part) => decodeURIComponent(part));
  } catch {
    return [];
  }
}
