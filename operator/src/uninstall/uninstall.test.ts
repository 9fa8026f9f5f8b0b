import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { describe, expect, it } from 'vitest';

import { ManualClock } from '../../test/manual-clock.ts';
import { withoutRules } from '../../test/without-rules.ts';
import type { KubeApi, KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import { parseArguments } from './arguments.ts';
import { uninstall, type UninstallOptions } from './uninstall.ts';

const apiServices: ResourceType = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
};
const bindings: ResourceType = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
};
const metrics = { service: { namespace: 'system', name: 'metrics-api' }, binding: 'may-register' };
const registered = { namespace: '', name: 'v1beta1.external.metrics.k8s.io' };
const release = { namespace: 'system', name: 'millrace', revision: '3' };
const [imports] = kinds;

interface World {
  readonly api: MemoryApi;
  readonly clock: ManualClock;
  readonly said: string[];
  readonly run: (change?: Partial<UninstallOptions>) => Promise<number>;
}

function world(definitions: 'all' | 'none' = 'all'): World {
  const clock = new ManualClock();
  let uids = 0;
  const api = createMemoryApi({
    now: () => clock.now(),
    newUid: () => `uid-${++uids}`,
    kinds:
      definitions === 'none'
        ? []
        : kinds.map((kind) => withoutRules(customResourceDefinition(kind))),
  });
  const said: string[] = [];
  const options: UninstallOptions = {
    api,
    clock,
    kinds,
    release,
    namespaces: [],
    metrics,
    isForced: false,
    say: (line) => said.push(line),
  };
  return {
    api,
    clock,
    said,
    run: async (change = {}) => {
      const ended = uninstall({ ...options, ...change });
      await clock.advance(60_000);
      return ended;
    },
  };
}

async function resource(api: KubeApi, name: string, finalizers: readonly string[]): Promise<void> {
  const { apiVersion, kind } = imports;
  const metadata = { namespace: 'team', name, finalizers };
  await api.create(imports, { apiVersion, kind, metadata, spec: example });
}

const example = {
  source: { volume: { claimName: 'data', path: 'a.csv' } },
  columns: [{ name: 'id', type: 'text' }],
  target: { table: 'users' },
};

function registration(change: { readonly label?: string; readonly service?: string }): KubeObject {
  return {
    apiVersion: apiServices.apiVersion,
    kind: apiServices.kind,
    metadata: {
      ...registered,
      labels: { 'app.kubernetes.io/part-of': change.label ?? 'millrace' },
    },
    spec: { service: { namespace: 'system', name: change.service ?? 'metrics-api' } },
  };
}

async function registerOurs(api: KubeApi): Promise<void> {
  await api.create(apiServices, registration({}));
  await api.create(bindings, {
    apiVersion: bindings.apiVersion,
    kind: bindings.kind,
    metadata: { namespace: '', name: 'may-register' },
  });
}

describe('an uninstall', () => {
  it('takes our metrics API away, the right to register before the registration', async () => {
    const { api, run, said } = world();
    await registerOurs(api);
    const deleted: string[] = [];
    const watched = {
      ...delegates(api),
      delete: async (...args: Parameters<KubeApi['delete']>) => {
        deleted.push(args[0].kind);
        return api.delete(...args);
      },
    };

    expect(await run({ api: watched })).toBe(0);

    expect(deleted).toEqual(['ClusterRoleBinding', 'APIService']);
    expect(await api.get(apiServices, registered)).toBeUndefined();
    expect(said).toEqual([
      'The metrics API is taken out of the API server.',
      'No resources are left behind. Definitions are kept.',
    ]);
  });

  it('removes a registration again that was made while the right was still believed in', async () => {
    const { api, run, said } = world();
    await registerOurs(api);
    let timesMade = 0;
    const stubborn = {
      ...delegates(api),
      delete: async (...args: Parameters<KubeApi['delete']>) => {
        const wasThere = await api.delete(...args);
        if (args[0].kind !== 'APIService' || timesMade >= 2) return wasThere;
        timesMade += 1;
        await api.create(apiServices, registration({}));
        return wasThere;
      },
    };

    expect(await run({ api: stubborn })).toBe(0);

    expect(timesMade).toBe(2);
    expect(await api.get(apiServices, registered)).toBeUndefined();
    expect(said[0]).toContain('taken out');
  });

  it.each([
    ['somebody else', registration({ label: 'keda-operator' })],
    ['another release of ours', registration({ service: 'other-metrics-api' })],
  ])('leaves the metrics API of %s as it is', async (_, found) => {
    const { api, run, said } = world();
    await api.create(apiServices, found);

    expect(await run()).toBe(0);

    expect(await api.get(apiServices, registered)).toBeDefined();
    expect(said[0]).toContain('belongs to somebody else');
  });

  it('is refused while the operator holds resources, names them, and changes nothing', async () => {
    const { api, run, said } = world();
    await registerOurs(api);
    await resource(api, 'held', ['millrace.dev/drain']);
    await resource(api, 'free', []);
    await resource(api, 'of-others', ['example.com/backup']);

    expect(await run()).toBe(65);

    const text = said.join('\n');
    expect(text).toContain(
      '1 resource can be let go of by an operator only:\n  csvimport team/held',
    );
    expect(text).toContain('Nothing was changed.');
    expect(text).toContain('helm rollback millrace 3 --namespace system');
    expect(text).toContain('--set uninstall.force=true');
    expect(text).not.toContain('team/free');
    expect(text).not.toContain('team/of-others');
    expect(await api.get(apiServices, registered)).toBeDefined();
    expect(await api.get(bindings, { namespace: '', name: 'may-register' })).toBeDefined();
  });

  it('names ten of them at most and counts the rest', async () => {
    const { api, run, said } = world();
    for (let at = 0; at < 13; at++) await resource(api, `held-${at}`, ['millrace.dev/drain']);

    expect(await run()).toBe(65);

    expect(said.filter((line) => line.includes('csvimport team/held-'))).toHaveLength(10);
    expect(said).toContain('  and 3 more');
  });

  it('goes on when forced, and says what stays', async () => {
    const { api, run, said } = world();
    await registerOurs(api);
    await resource(api, 'held', ['millrace.dev/drain']);

    expect(await run({ isForced: true })).toBe(0);

    expect(await api.get(apiServices, registered)).toBeUndefined();
    expect(
      (await api.get(imports, { namespace: 'team', name: 'held' }))?.metadata.finalizers,
    ).toEqual(['millrace.dev/drain']);
    expect(said.at(-1)).toContain('1 resource and its pods stay as they are');
  });

  it('looks only where the operator worked', async () => {
    const { api, run } = world();
    await resource(api, 'held', ['millrace.dev/drain']);

    expect(await run({ namespaces: ['other'] })).toBe(0);
    expect(await run({ namespaces: ['other', 'team'] })).toBe(65);
  });

  it('has nothing to hold it up where the definitions are gone', async () => {
    const { run, said } = world('none');

    expect(await run()).toBe(0);
    expect(said.at(-1)).toContain('No resources are left behind');
  });

  it('of a release without a metrics API touches no registration', async () => {
    const { api, clock, said } = world();
    await registerOurs(api);
    const say = (line: string): void => void said.push(line);
    const asked = { release, namespaces: [], isForced: false };

    expect(await uninstall({ ...asked, api, clock, kinds, say })).toBe(0);

    expect(await api.get(apiServices, registered)).toBeDefined();
    expect(said).toHaveLength(1);
  });
});

/** The calls that are made, without the rest of the class. */
function delegates(api: MemoryApi): Pick<KubeApi, 'get' | 'list'> {
  return { get: api.get.bind(api), list: api.list.bind(api) };
}

describe('its command line', () => {
  it('takes what the chart writes', () => {
    const args = [
      '--release=system/millrace',
      '--revision=3',
      '--namespace=a',
      '--namespace=b',
      '--metrics-service=system/metrics-api',
      '--metrics-binding=system:may-register',
      '--force',
    ];

    expect(parseArguments(args)).toEqual({
      release,
      namespaces: ['a', 'b'],
      metrics: {
        service: { namespace: 'system', name: 'metrics-api' },
        binding: 'system:may-register',
      },
      isForced: true,
    });
    expect(parseArguments(['--release=system/millrace', '--revision=3'])).toEqual({
      release,
      namespaces: [],
      isForced: false,
    });
  });

  const needed = ['--release=a/b', '--revision=1'];

  it.each([
    [[], '--release'],
    [['--release=a/b'], '--revision'],
    [['--release=a', '--revision=1'], '--release is a namespace and a name'],
    [[...needed, '--metrics-service=a/b'], 'belong together'],
    [
      [...needed, '--metrics-service=b', '--metrics-binding=c'],
      '--metrics-service is a namespace and a name',
    ],
    [[...needed, '--nope'], '--help shows what there is'],
  ])('refuses %j', (args, why) => {
    expect(() => parseArguments(args)).toThrow(why);
  });
});
