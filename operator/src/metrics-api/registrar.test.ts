import { afterEach, describe, expect, it } from 'vitest';
import { capturedLog } from '../../test/captured-log.ts';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import { createMetrics } from '@millrace/kit/metrics';
import type { KubeApi, KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { createMemoryApi } from '../memory/memory-api.ts';
import { apiServiceName, apiServiceType, register } from './api-service.ts';
import { ourLabels } from './ours.ts';
import { Registrar } from './registrar.ts';
import { createTelemetry } from './telemetry.ts';

const service = { namespace: 'millrace-system', name: 'millrace-metrics-api', port: 443 };
const ref = { namespace: '', name: apiServiceName };
const spec = (authorities: string, changes: object = {}) => ({
  group: 'external.metrics.k8s.io',
  version: 'v1beta1',
  groupPriorityMinimum: 100,
  versionPriority: 100,
  service,
  caBundle: Buffer.from(authorities).toString('base64'),
  ...changes,
});

function apiService(labels: Readonly<Record<string, string>>, given: object): KubeObject {
  return {
    apiVersion: apiServiceType.apiVersion,
    kind: apiServiceType.kind,
    metadata: { ...ref, resourceVersion: '7', labels },
    spec: given,
  };
}

type Write = readonly [verb: 'create' | 'patch', ...rest: readonly unknown[]];

/** Remembers writes; fails them all with a reason if there is one. */
function recording(reason?: 'Conflict' | 'AlreadyExists' | 'Forbidden') {
  const writes: Write[] = [];
  const done = async (verb: Write[0], args: readonly unknown[]): Promise<KubeObject> => {
    writes.push([verb, ...args]);
    if (reason !== undefined) throw new KubeFailure(reason, 'no');
    return await Promise.resolve(apiService({}, {}));
  };
  const api: Pick<KubeApi, 'create' | 'patch'> = {
    create: async (...args) => await done('create', args),
    patch: async (...args) => await done('patch', args),
  };
  return { writes, api };
}

describe('registering for external metrics', () => {
  it('makes the APIService when there is none', async () => {
    const { writes, api } = recording();

    expect(await register(undefined, 'CA', { api, service })).toEqual({ state: 'registered' });

    const made = { metadata: { name: apiServiceName, labels: ourLabels }, spec: spec('CA') };
    expect(writes).toMatchObject([['create', apiServiceType, made]]);
  });

  it('writes nothing when it is as it should be, whatever Kubernetes adds', async () => {
    const { writes, api } = recording();
    const held = apiService({ ...ourLabels, more: 'yes' }, spec('CA', { later: 'field' }));

    expect(await register(held, 'CA', { api, service })).toEqual({ state: 'registered' });

    expect(writes).toEqual([]);
  });

  it.each([
    ['the authorities', { caBundle: 'b2xk' }],
    ['the Service', { service: { ...service, name: 'before' } }],
    ['the port', { service: { ...service, port: 8_443 } }],
    ['verification, which somebody has turned off', { insecureSkipTLSVerify: true }],
  ])('puts right %s, only if nobody else wrote meanwhile', async (_what, changes) => {
    const { writes, api } = recording();

    await register(apiService(ourLabels, spec('CA', changes)), 'CA', { api, service });

    const metadata = { resourceVersion: '7' };
    const whole = spec('CA', { insecureSkipTLSVerify: null });
    expect(writes).toEqual([['patch', apiServiceType, ref, { metadata, spec: whole }]]);
  });

  it.each([
    ['KEDA', {}, spec('CA', { service: { namespace: 'keda', name: 'keda-metrics' } })],
    ['an API server itself', {}, spec('CA', { service: null })],
    [
      'the Millrace of another namespace',
      ourLabels,
      spec('CA', { service: { ...service, namespace: 'other' } }),
    ],
    ['whoever took our label away', {}, spec('old')],
  ])('never writes the one of %s', async (_what, labels, given) => {
    const { writes, api } = recording();

    const registration = await register(apiService(labels, given), 'CA', { api, service });

    expect(registration).toMatchObject({ state: 'taken' });
    expect(JSON.stringify(registration)).toContain('ExternalMetricsTaken');
    expect(writes).toEqual([]);
  });

  it('waits for the watch when somebody was faster, and fails when it may not', async () => {
    for (const reason of ['AlreadyExists', 'Conflict'] as const) {
      const { api } = recording(reason);
      expect(await register(undefined, 'CA', { api, service })).toMatchObject({ state: 'waiting' });
    }
    const { api } = recording('Forbidden');
    await expect(register(undefined, 'CA', { api, service })).rejects.toThrow(KubeFailure);
  });
});

describe('the registrar', () => {
  const stop = new AbortController();
  afterEach(() => stop.abort());

  it('registers nothing before there is something to lead to, and retries what failed', async () => {
    const clock = new ManualClock();
    const { log } = capturedLog('silent');
    const staleMs = () => new Map<string, number>();
    const telemetry = createTelemetry({ log, metrics: createMetrics({}), clock, staleMs });
    const offered: string[] = [];
    const memory = createMemoryApi({ now: () => clock.now(), newUid: ({ name }) => `uid-${name}` });
    let creates = 0;
    const registrar = new Registrar({
      api: {
        list: (...args) => memory.list(...args),
        watch: (...args) => memory.watch(...args),
        create: async (...args) => {
          creates++;
          if (creates === 1) throw new KubeFailure('Forbidden', 'apiservices is forbidden');
          return await memory.create(...args);
        },
        patch: (...args) => memory.patch(...args),
      },
      clock,
      service,
      authorities: () => offered[0],
      telemetry,
    });
    void registrar.run(stop.signal);

    await turns(5);
    await clock.advance(2 * 60 * 60_000);
    expect(creates).toBe(0);
    expect(registrar.registration).toMatchObject({ why: 'The APIService is not known yet.' });
    offered.push('CA');
    registrar.wake();
    await turns(5);
    expect(registrar.registration).toEqual({ state: 'waiting', why: 'apiservices is forbidden' });
    await clock.advance(5_000);

    expect(creates).toBe(2);
    expect(registrar.registration).toEqual({ state: 'registered' });
    offered[0] = 'CA and its successor';
    registrar.wake();
    await clock.advance(5_000);
    const held = await memory.get(apiServiceType, ref);
    expect(held?.['spec']).toEqual(spec('CA and its successor'));
  });
});
