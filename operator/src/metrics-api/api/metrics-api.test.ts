import { describe, expect, it } from 'vitest';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import type { Action } from '../access/reviews.ts';
import type { User } from '../access/user.ts';
import type { Found } from '../scaling-values.ts';
import { MetricsApi } from './metrics-api.ts';
import { selectedBy } from './selector.ts';

const jane: User = { username: 'jane', groups: [], extra: {} };
const at = '2030-01-02T03:04:05Z';
const value: Found = {
  found: 'value',
  value: { kind: 'CsvImport', namespace: 'team-a', name: 'users', milli: 2_300, at },
};
const root = '/apis/external.metrics.k8s.io/v1beta1';
const path = (selector: string, metric = 'millrace-workers-needed') =>
  `${root}/namespaces/team-a/${metric}?labelSelector=${encodeURIComponent(selector)}`;
const good = path('millrace.dev/kind=CsvImport,millrace.dev/name=users');

interface World {
  readonly user?: User | undefined;
  readonly isAllowed?: (action: Action) => boolean;
  readonly found?: Found;
  readonly notReady?: string;
}

function world({ user, isAllowed = () => true, found = value, notReady }: World = { user: jane }) {
  const asked: string[] = [];
  const failures: unknown[] = [];
  const look = (kind: string, namespace: string, name: string): Found => {
    asked.push(`${kind} ${namespace}/${name}`);
    return found;
  };
  const api = new MetricsApi({
    callers: { callerOf: async () => await Promise.resolve(user) },
    reviews: { isAllowed: async (_user, action) => await Promise.resolve(isAllowed(action)) },
    values: { byKind: look, byPlural: look },
    notReady: () => notReady,
    onFailure: (failure) => failures.push(failure),
  });
  const get = async (url: string, options: { method?: string; accept?: string } = {}) => {
    const { method = 'GET', accept = 'application/json' } = options;
    const headers = { accept: [accept] };
    const peer = { commonName: undefined };
    const { reply } = await api.answer({ method, url, headers, peer });
    return reply;
  };
  return { asked, failures, get };
}

describe('the metrics API', () => {
  it('answers an autoscaler with the value and its time', async () => {
    const { asked, get } = world();

    expect(await get(good)).toEqual({
      code: 200,
      body: {
        kind: 'ExternalMetricValueList',
        apiVersion: 'external.metrics.k8s.io/v1beta1',
        metadata: {},
        items: [
          {
            metricName: 'millrace-workers-needed',
            metricLabels: { 'millrace.dev/kind': 'CsvImport', 'millrace.dev/name': 'users' },
            timestamp: at,
            value: '2300m',
          },
        ],
      },
    });
    expect(asked).toEqual(['CsvImport team-a/users']);
  });

  it('answers as plain JSON by the plural of the kind', async () => {
    const { asked, get } = world();

    const reply = await get('/scaling/namespaces/team-a/csvimports/users');

    expect(reply).toEqual({ code: 200, body: { needed: 2.3, at } });
    expect(asked).toEqual(['csvimports team-a/users']);
  });

  it.each([
    ['nothing is known of it', { found: 'nothing' }, 404, 'NotFound'],
    [
      'it cannot be vouched for',
      { found: 'outdated', why: 'csvimports have not been listed yet' },
      503,
      'ServiceUnavailable',
    ],
  ] as const)('has no value but an error when %s', async (_what, found, code, reason) => {
    const { get } = world({ user: jane, found });

    for (const url of [good, '/scaling/namespaces/team-a/csvimports/users']) {
      expect(await get(url)).toMatchObject({ code, body: { kind: 'Status', reason, code } });
    }
  });

  it('says what a selector has to be, and which metric there is', async () => {
    const { asked, get } = world();

    expect(await get(path('app=users'))).toMatchObject({ code: 400 });
    expect(await get(path(''))).toMatchObject({ code: 400 });
    expect(await get(path('a=b', 'other-metric'))).toMatchObject({ code: 404 });
    expect(asked).toEqual([]);
  });

  it('tells nobody anything but health', async () => {
    const { asked, get } = world({ user: undefined });

    for (const url of [good, root, '/apis', '/scaling/namespaces/a/csvimports/b', '/secret']) {
      expect(await get(url)).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
    }
    for (const url of ['/livez', '/readyz', '/healthz']) {
      expect(await get(url)).toMatchObject({ code: 200 });
    }
    expect(asked).toEqual([]);
  });

  it('asks for the right that the API server in front asks for, and looks at nothing without it', async () => {
    const actions: Action[] = [];
    const isAllowed = (action: Action) => {
      actions.push(action);
      return false;
    };
    const { asked, get } = world({ user: jane, isAllowed });

    const replies = [
      await get(good),
      await get('/scaling/namespaces/team-a/csvimports/users'),
      await get('/apis'),
      await get('/anything'),
    ];

    expect(replies.map(({ code }) => code)).toEqual([403, 403, 403, 403]);
    const metrics = { group: 'external.metrics.k8s.io', version: 'v1beta1', namespace: 'team-a' };
    expect(actions).toEqual([
      { ...metrics, verb: 'list', resource: 'millrace-workers-needed' },
      { ...metrics, verb: 'get', resource: 'externalmetrics', name: 'users' },
      { verb: 'get', path: '/apis' },
      { verb: 'get', path: '/anything' },
    ]);
    expect(asked).toEqual([]);
  });

  it('is 503 when the API server cannot be asked and 500 on a bug, and says neither’s words', async () => {
    const away = new KubeFailure('Unavailable', 'token abc refused');
    for (const [failure, code] of [
      [away, 503],
      [new TypeError('token abc'), 500],
    ] as const) {
      const { failures, get } = world({
        user: jane,
        isAllowed: () => {
          throw failure;
        },
      });

      const reply = await get(good);

      expect(reply.code).toBe(code);
      expect(JSON.stringify(reply)).not.toContain('abc');
      expect(failures).toEqual([failure]);
    }
  });

  it('can only be read', async () => {
    const { get } = world();

    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'CONNECT']) {
      expect(await get(good, { method })).toMatchObject({ code: 405 });
    }
  });

  it('is live while it drains and not ready', async () => {
    const { get } = world({ notReady: 'Told to stop.' });

    expect(await get('/livez')).toMatchObject({ code: 200 });
    expect(await get('/readyz')).toMatchObject({ code: 503, body: { message: 'Told to stop.' } });
  });
});

describe('discovery', () => {
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

  it('lists one resource, which is how the API server in front sees that we are there', async () => {
    const { get } = world();

    const { code, body } = await get(`${root}/`);

    expect(code).toBe(200);
    expect(body).toMatchObject({
      kind: 'APIResourceList',
      groupVersion: 'external.metrics.k8s.io/v1beta1',
      resources: [{ name: 'externalmetrics', namespaced: true, verbs: ['get'] }],
    });
  });

  it('has the group, its versions and stubs of its schemas', async () => {
    const { get } = world();

    expect((await get('/apis')).body).toMatchObject({
      kind: 'APIGroupList',
      groups: [{ name: 'external.metrics.k8s.io' }],
    });
    expect((await get('/apis/external.metrics.k8s.io')).body).toMatchObject({ kind: 'APIGroup' });
    for (const url of ['/api', '/openapi/v2', '/openapi/v3', `/openapi/v3${root}`]) {
      expect(await get(url)).toMatchObject({ code: 200 });
    }
    expect(await get('/apis/apps/v1')).toMatchObject({ code: 404 });
  });

  it('refuses the aggregated document alone, so that the plain ones are asked for', async () => {
    const { get } = world();

    expect(await get('/apis', { accept: aggregated })).toMatchObject({ code: 406 });
    const both = `${aggregated},application/json`;
    expect((await get('/apis', { accept: both })).body).toMatchObject({ kind: 'APIGroupList' });
    const binary = 'application/vnd.kubernetes.protobuf';
    expect(await get(root, { accept: binary })).toMatchObject({ code: 200 });
  });
});

describe('a selector', () => {
  const named = { ok: true, kind: 'CsvImport', name: 'users' };

  it.each([
    'millrace.dev/kind=CsvImport,millrace.dev/name=users',
    'millrace.dev/name==users, millrace.dev/kind = CsvImport',
    'millrace.dev/kind in (CsvImport),millrace.dev/name=users',
  ])('names one resource: %s', (selector) => {
    expect(selectedBy(selector)).toEqual(named);
  });

  it.each([
    '',
    'millrace.dev/kind=CsvImport',
    'millrace.dev/name=users',
    'millrace.dev/kind=CsvImport,millrace.dev/name!=users',
    'millrace.dev/kind=CsvImport,millrace.dev/name in (users,orders)',
    'millrace.dev/kind=CsvImport,millrace.dev/name=users,millrace.dev/name=orders',
    'millrace.dev/kind=CsvImport,millrace.dev/name=users,team=a',
    'millrace.dev/kind,millrace.dev/name=users',
  ])('names none, or more than one: %s', (selector) => {
    expect(selectedBy(selector)).toMatchObject({ ok: false });
  });
});
