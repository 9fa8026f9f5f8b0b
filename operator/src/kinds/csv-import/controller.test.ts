import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { ImportCluster, namespace, usersSpec } from '../../../test/import-cluster.ts';
import { EventRecorder } from '../../machinery/events.ts';
import type { KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { Manager } from '../../machinery/manager.ts';
import { defaultPollLimits } from '../../machinery/progress-poller.ts';
import { createTelemetry } from '../../machinery/telemetry.ts';
import { csvImportController } from './controller.ts';
import { uidLabel } from '../../machinery/workload/names.ts';
import { claims, csvImports } from './resource-types.ts';
import { jobs, secrets } from '../../machinery/workload/resource-types.ts';

/** Whom a change of an object wakes, when the cache holds these imports. */
function woken(imports: readonly KubeObject[], type: ResourceType, object: KubeObject) {
  const { api, clock } = new ImportCluster();
  const telemetry = createTelemetry(
    createLog({ level: 'silent', bindings: {} }),
    createMetrics({}),
  );
  const manager = new Manager({ api, clock, namespaces: [], telemetry });
  const spec = csvImportController(manager, {
    image: 'image',
    statusIntervalMs: 10_000,
    pollLimits: defaultPollLimits,
    fetch,
    events: new EventRecorder({ api, clock, controller: 'test', onFailure: () => undefined }),
  });
  for (const resource of imports) manager.cache(csvImports).upsert(resource);
  return spec.wakes
    .filter((wake) => wake.type === type)
    .flatMap(({ keysOf }) => [...keysOf(object)]);
}

function resource(name: string, spec: object = {}): KubeObject {
  const { apiVersion, kind } = csvImports;
  const metadata = { namespace, name, uid: `uid-of-${name}`, resourceVersion: name };
  return { apiVersion, kind, metadata, spec: { ...usersSpec, ...spec } };
}

function named(type: ResourceType, name: string, change: object = {}): KubeObject {
  return { apiVersion: type.apiVersion, kind: type.kind, metadata: { namespace, name, ...change } };
}

describe('what wakes an import', () => {
  const own = resource('own', { backends: { secretName: 'mine' } });
  const usual = resource('usual', { source: { volume: { claimName: 'other', path: 'a.csv' } } });

  it('is the Secret that it names, or the usual one if it names none', () => {
    expect(woken([own, usual], secrets, named(secrets, 'mine'))).toEqual(['team/own']);
    expect(woken([own, usual], secrets, named(secrets, 'millrace-backends'))).toEqual([
      'team/usual',
    ]);
    expect(woken([own, usual], secrets, named(secrets, 'unrelated'))).toEqual([]);
  });

  it('is the claim of its source', () => {
    expect(woken([own, usual], claims, named(claims, 'other'))).toEqual(['team/usual']);
  });

  it('is a child of its own, and one of a predecessor whose name it waits for', () => {
    const child = (uid: string, owner: string) =>
      named(jobs, 'child', {
        labels: { [uidLabel]: uid },
        ownerReferences: [{ ...csvImports, name: owner, uid, controller: true }],
      });

    expect(woken([own, usual], jobs, child('uid-of-own', 'own'))).toEqual(['team/own']);
    expect(woken([own, usual], jobs, child('uid-of-before', 'usual'))).toEqual(['team/usual']);
  });
});
