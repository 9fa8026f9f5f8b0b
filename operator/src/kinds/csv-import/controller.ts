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
import { keyOf } from '../../machinery/object-key.ts';
import { ProgressPoller } from '../../machinery/progress-poller.ts';
import { workloadCaches } from '../../machinery/workload/caches.ts';
import { podAddress } from '../../machinery/workload/poll-target.ts';
import { secrets } from '../../machinery/workload/resource-types.ts';
import {
  bySecret,
  secretIndex,
  wakesByReference,
  wakesOfChildren,
} from '../../machinery/workload/wakes.ts';
import { trimClaim } from './claim.ts';
import { parseProgress } from './coordinator-pods.ts';
import type { Caches } from './observe.ts';
import { createReconcile } from './reconcile.ts';
import type { RenderPods } from './rendering.ts';
import { claims, csvImports } from './resource-types.ts';

export interface CsvImportOptions extends ControllerContext {
  /** How pods are made; another version of the operator stands in for this one here. */
  readonly render?: RenderPods;
}

/** Passes are short and wait for the API only; more would just queue there. */
const concurrency = 8;

export function csvImportController(manager: Manager, options: CsvImportOptions): ControllerSpec {
  const { api, clock, telemetry } = manager.options;
  const caches = createCaches(manager, options);
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

function createCaches(manager: Manager, options: CsvImportOptions): Caches {
  return {
    imports: manager.cache(csvImports, {
      indexes: { [bySecret]: secretIndex, [byClaim]: claimOf },
    }),
    claims: manager.cache(claims, { trim: trimClaim }),
    ...workloadCaches(manager, options),
  };
}

function wakes({ imports }: Caches): readonly Wake[] {
  return [
    ...wakesOfChildren(imports, csvImports.kind),
    wakesByReference(imports, secrets, bySecret),
    wakesByReference(imports, claims, byClaim),
  ];
}

const byClaim = 'claim of the source';

interface References {
  readonly spec?: {
    readonly source?: { readonly volume?: { readonly claimName?: string } };
  };
}

function claimOf(resource: KubeObject): readonly string[] {
  const { spec } = resource as References;
  const name = spec?.source?.volume?.claimName;
  return name === undefined ? [] : [keyOf({ namespace: resource.metadata.namespace, name })];
}
