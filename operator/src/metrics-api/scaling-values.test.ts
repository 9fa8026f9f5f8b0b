import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { kinds } from '@millrace/crds';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import type { KubeApi, KubeObject, WatchEvent } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { createMemoryApi } from '../memory/memory-api.ts';
import { milliOf, ScalingValues, scalingValue, staleMsMax } from './scaling-values.ts';

const at = '2030-01-02T03:04:05Z';
const [imports, pipelines] = kinds;

function resource(kind: string, status: object, name = 'users'): KubeObject {
  const metadata = { namespace: 'team-a', name };
  return { apiVersion: 'millrace.dev/v1alpha1', kind, metadata, spec: { big: true }, status };
}

/** An API whose lists and watches can be broken. */
class FlakyApi implements Pick<KubeApi, 'list' | 'watch'> {
  readonly memory;
  isAway = false;
  readonly #ends = new Set<() => void>();

  constructor(clock: ManualClock) {
    const definitions = kinds.map(customResourceDefinition);
    let uids = 0;
    this.memory = createMemoryApi({
      now: () => clock.now(),
      newUid: () => `uid-${++uids}`,
      kinds: definitions,
    });
  }

  goAway(): void {
    this.isAway = true;
    for (const end of this.#ends) end();
  }

  list(...[type, options]: Parameters<KubeApi['list']>): ReturnType<KubeApi['list']> {
    if (this.isAway) return Promise.reject(new KubeFailure('Unavailable', 'away'));
    return this.memory.list(type, options);
  }

  async *watch(...[type, options]: Parameters<KubeApi['watch']>): AsyncGenerator<WatchEvent> {
    if (this.isAway) throw new KubeFailure('Unavailable', 'away');
    const broken = new AbortController();
    const end = (): void => broken.abort();
    this.#ends.add(end);
    const signal = AbortSignal.any([options.signal, broken.signal]);
    yield* this.memory.watch(type, { ...options, signal });
    this.#ends.delete(end);
    if (broken.signal.aborted) throw new KubeFailure('Unavailable', 'away');
  }
}

describe('the values that are served', () => {
  const stop = new AbortController();
  afterEach(() => stop.abort());

  function world(namespaces: readonly string[] = []) {
    const clock = new ManualClock();
    const api = new FlakyApi(clock);
    const events = { watchRestarted: () => undefined };
    const values = new ScalingValues({ api, kinds, namespaces, clock, events });
    const running = new AbortController();
    const run = (): void => void values.run(running.signal);
    stop.signal.addEventListener('abort', () => running.abort());
    const put = async (needed: string, name = 'users') => {
      const ref = { namespace: 'team-a', name };
      const scaling = { driver: 'HPA', needed, at, why: 'tested' };
      if ((await api.memory.get(imports, ref)) === undefined) {
        await api.memory.create(imports, minimalImport(name));
      }
      const status = { observedGeneration: 1, scaling };
      const object = { ...resource('CsvImport', status, name), spec: undefined };
      await api.memory.applyStatus(imports, object, { fieldManager: 'test', force: true });
      await turns(5);
    };
    return { api, clock, values, run, put };
  }

  it('follow each status by kind and by plural, and are nothing for everybody else', async () => {
    const { values, run, put } = world();
    await put('2300m');
    run();
    await values.filled;

    const found = { found: 'value', value: { milli: 2_300, at, name: 'users' } };
    expect(values.byKind('CsvImport', 'team-a', 'users')).toMatchObject(found);
    expect(values.byPlural('csvimports', 'team-a', 'users')).toMatchObject(found);
    await put('4000m');
    expect(values.byKind('CsvImport', 'team-a', 'users')).toMatchObject({
      value: { milli: 4_000 },
    });

    const nothing = { found: 'nothing' };
    expect(values.byKind('CsvImport', 'team-b', 'users')).toEqual(nothing);
    expect(values.byKind('CsvImport', 'team-a', 'orders')).toEqual(nothing);
    expect(values.byKind('IncrementPipeline', 'team-a', 'users')).toEqual(nothing);
    expect(values.byKind('Deployment', 'team-a', 'users')).toEqual(nothing);
    expect(values.byPlural('deployments', 'team-a', 'users')).toEqual(nothing);
  });

  it('are gone with their resource', async () => {
    const { api, values, run, put } = world(['team-a']);
    await put('1000m');
    run();
    await values.filled;

    await api.memory.delete(imports, { namespace: 'team-a', name: 'users' });

    await expect.poll(() => values.byKind('CsvImport', 'team-a', 'users').found).toBe('nothing');
  });

  it('are not vouched for before the first list, nor two minutes after the watch was lost', async () => {
    const { api, clock, values, run, put } = world();
    await put('1000m');
    const look = () => values.byKind('CsvImport', 'team-a', 'users').found;
    expect(look()).toBe('outdated');
    expect(values.problems()).toHaveLength(2);
    run();
    await values.filled;
    expect(values.problems()).toEqual([]);

    api.goAway();
    await clock.advance(staleMsMax - 1_000);
    expect(look()).toBe('value');
    await clock.advance(2_000);
    expect(look()).toBe('outdated');
    expect(values.problems()[0]).toMatch(/^csvimports may have been out of date for 12\d s$/);

    api.isAway = false;
    await clock.advance(2 * 60_000);
    expect(look()).toBe('value');
    expect(values.staleMs()).toEqual(
      new Map([
        [imports.plural, 0],
        [pipelines.plural, 0],
      ]),
    );
  });

  it.each([
    ['no scaling', {}],
    ['no number', { scaling: { at } }],
    ['a number that is none', { scaling: { needed: 2, at } }],
    ['a unit of its own', { scaling: { needed: '2k', at } }],
    ['a negative number', { scaling: { needed: '-1', at } }],
    ['no time', { scaling: { needed: '1' } }],
    ['a time that an autoscaler cannot read', { scaling: { needed: '1', at: 'yesterday' } }],
  ])('are none where a status has %s', (_what, status) => {
    expect(scalingValue(resource('CsvImport', status))).toBeUndefined();
  });

  it('are thousandths, and whole ones without a unit', () => {
    expect(['2300m', '0m', '3', '0'].map(milliOf)).toEqual([2_300, 0, 3_000, 0]);
    expect(['', 'm', '1.5', '1e3', '0x1', ' 1', '1234567890'].map(milliOf)).toEqual(
      Array.from({ length: 7 }, () => undefined),
    );
  });
});

function minimalImport(name: string): KubeObject {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'CsvImport',
    metadata: { namespace: 'team-a', name },
    spec: {
      source: { volume: { claimName: 'data', path: 'users.csv' } },
      target: { table: 'users', key: ['id'], onConflict: 'LatestWins' },
      columns: [{ name: 'id', type: 'bigint' }],
    },
  };
}
