/**
 * A whole list, page by page, without standing still.
 *
 * Pages of 500 from the store behind the server (no `resourceVersion`: with `0` a server ignores the
 * limit and may be behind, measured). Each page is parsed by itself and trimmed object by object, and
 * other work gets its turn in between, so that a list of 30,000 neither holds all of itself untrimmed
 * nor stops the renewal of a Lease. A page that is gone starts the list over, once.
 */
import type { KubeObject, ListOptions, ObjectList, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { garbage } from './http-failure.ts';
import type { TransportLimits } from './limits.ts';
import { collectionPath, fieldSelector, labelSelector, withQuery } from './paths.ts';
import { describeCall, type Transport } from './transport.ts';

export interface ListSettings {
  readonly transport: Transport;
  readonly limits: TransportLimits;
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

export async function listObjects(
  type: ResourceType,
  options: ListOptions,
  settings: ListSettings,
): Promise<ObjectList> {
  try {
    return await allPages(type, options, settings);
  } catch (error) {
    // Pages share one version, which was compacted away under us: the next try is a new version.
    const isGone = error instanceof KubeFailure && error.reason === 'Gone';
    if (!isGone) throw error;
    return await allPages(type, options, settings);
  }
}

async function allPages(
  type: ResourceType,
  options: ListOptions,
  settings: ListSettings,
): Promise<ObjectList> {
  const items: KubeObject[] = [];
  let token: string | undefined;
  for (;;) {
    const { metadata, objects } = await page(type, { options, token }, settings);
    // Lists leave these two out of their items.
    const { apiVersion, kind } = type;
    for (const object of objects) {
      const whole: KubeObject = { ...object, apiVersion, kind };
      items.push(options.trim === undefined ? whole : options.trim(whole));
    }
    token = metadata.continue === '' ? undefined : metadata.continue;
    if (token === undefined) return { items, resourceVersion: metadata.resourceVersion };
  }
}

async function page(
  type: ResourceType,
  { options, token }: { readonly options: ListOptions; readonly token: string | undefined },
  { transport, limits }: ListSettings,
) {
  const path = withQuery(collectionPath(type, options.namespace), {
    limit: limits.pageObjects,
    labelSelector: labelSelector(options),
    fieldSelector: fieldSelector(options),
    continue: token,
  });
  const call = {
    verb: 'list',
    plural: type.plural,
    method: 'GET',
    path,
    attemptMs: limits.pageMs,
  } as const;
  const { metadata, items } = ((await transport.request(call)) ?? {}) as Page;
  const resourceVersion = metadata?.resourceVersion;
  if (resourceVersion === undefined || (items !== null && !Array.isArray(items))) {
    throw garbage(describeCall(call), 'the answer is not a list');
  }
  return { metadata: { ...metadata, resourceVersion }, objects: items ?? [] };
}
