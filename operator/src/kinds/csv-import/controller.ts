/**
 * What wakes a CsvImport: its own changes, those of its children, of the Secret and the claim it
 * names, of its pods, and of the progress they report. Every cross-reference is indexed, so that one
 * change wakes exactly those whom it concerns.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import type { ControllerSpec, Wake } from '../../machinery/controller.ts';
import type { ControllerContext } from '../../machinery/kind.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Manager } from '../../machinery/manager.ts';
import { controllerOf, keyOf, keyOfObject } from '../../machinery/object-key.ts';
import { ProgressPoller } from '../../machinery/progress-poller.ts';
import { trimUnread } from '../../machinery/store.ts';
import { adminPort } from './children/pod.ts';
import { parseProgress, podEssentials, podIndex, podsOfRole } from './coordinator-pods.ts';
import { managedBy, kindLabel, uidLabel } from './names.ts';
import { secretKeyNames, type Caches } from './observe.ts';
import { childIndex, createReconcile, ownedByUid } from './reconcile.ts';
import type { RenderPods } from './rendering.ts';
import {
  claims,
  configMaps,
  csvImports,
  deployments,
  jobs,
  ownedTypes,
  pods,
  secrets,
  services,
} from './resource-types.ts';

export interface CsvImportOptions extends ControllerContext {
  /** How pods are made; another version of the operator stands in for this one here. */
  readonly render?: RenderPods;
}

/** Passes are short and wait for the API only; more would just queue there. */
const concurrency = 8;

export function csvImportController(manager: Manager, options: CsvImportOptions): ControllerSpec {
  const { api, clock, telemetry } = manager.options;
  const caches = createCaches(manager);
  const progressed = new Set<(key: string) => void>();
  const poller = new ProgressPoller<CsvImportProgress>({
    clock,
    fetch: options.fetch,
    parse: parseProgress,
    onChange: (key) => {
      for (const wake of progressed) wake(key);
    },
    onPolled: (result) => telemetry.polled({ kind: 'csv-import', result }),
    limits: options.pollLimits,
  });
  return {
    name: 'csv-import',
    primary: csvImports,
    concurrency,
    wakes: wakes(caches),
    reconcile: createReconcile({
      api,
      clock,
      caches,
      writes: manager.writes,
      fence: manager.fence,
      poller,
      events: options.events,
      telemetry,
      image: options.image,
      ...(options.render === undefined ? {} : { render: options.render }),
      statusIntervalMs: options.statusIntervalMs,
      podAddress: options.podAddress ?? podAddress,
    }),
    background: (signal, enqueue) => {
      progressed.add(enqueue);
      return poller.run(signal);
    },
  };
}

function createCaches(manager: Manager): Caches {
  const labels = { ...managedBy, [kindLabel]: 'csv-import' };
  const owned = { labels, indexes: { [ownedByUid]: childIndex } };
  return {
    imports: manager.cache(csvImports, { indexes: { [bySecret]: secretOf, [byClaim]: claimOf } }),
    configMaps: manager.cache(configMaps, owned),
    jobs: manager.cache(jobs, { ...owned, trim: withoutTemplate }),
    deployments: manager.cache(deployments, owned),
    services: manager.cache(services, owned),
    pods: manager.cache(pods, {
      labels,
      trim: podEssentials,
      indexes: { [podsOfRole]: podIndex },
    }),
    secrets: manager.cache(secrets, { trim: secretKeyNames }),
    claims: manager.cache(claims, { trim: identityOnly }),
  };
}

function wakes(caches: Caches): readonly Wake[] {
  const { imports } = caches;
  const keysByUid = (object: KubeObject): readonly string[] => {
    const { labels, namespace } = object.metadata;
    const resource = imports.byUid(labels?.[uidLabel] ?? '');
    if (resource !== undefined) return [keyOfObject(resource)];
    // A child of a predecessor: whoever has its name now waits for it to be gone.
    const owner = controllerOf(object);
    return owner?.kind === csvImports.kind ? [keyOf({ namespace, name: owner.name })] : [];
  };
  const keysBy = (index: string) => (object: KubeObject) =>
    imports.byIndex(index, keyOfObject(object)).map(keyOfObject);
  return [
    ...[...ownedTypes, pods].map((type) => ({ type, keysOf: keysByUid })),
    { type: secrets, keysOf: keysBy(bySecret) },
    { type: claims, keysOf: keysBy(byClaim) },
  ];
}

const bySecret = 'backends Secret';
const byClaim = 'claim of the source';

interface References {
  readonly spec?: {
    readonly backends?: { readonly secretName?: string };
    readonly source?: { readonly volume?: { readonly claimName?: string } };
  };
}

function secretOf(resource: KubeObject): readonly string[] {
  const { spec } = resource as References;
  const name = spec?.backends?.secretName ?? 'millrace-backends';
  return [keyOf({ namespace: resource.metadata.namespace, name })];
}

function claimOf(resource: KubeObject): readonly string[] {
  const { spec } = resource as References;
  const name = spec?.source?.volume?.claimName;
  return name === undefined ? [] : [keyOf({ namespace: resource.metadata.namespace, name })];
}

/** A Job is never applied again once it exists, so what its pods are made of is compared with nothing. */
function withoutTemplate(job: KubeObject): KubeObject {
  const { template: _unread, ...spec } = job['spec'] as { readonly template?: unknown };
  return trimUnread({ ...job, spec });
}

/** Of a claim only its existence matters. */
function identityOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata };
}

function podAddress(pod: KubeObject): { readonly host: string; readonly port: number } | undefined {
  const host = (pod['status'] as { podIP?: string } | undefined)?.podIP;
  return host === undefined || host === '' ? undefined : { host, port: adminPort };
}
