/** Every value is documented, checked and does something. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { chartValues } from '../../operator/deploy/values/chart-values.ts';
import { leaves, valuesSchema, valuesYaml, type ValueSchema } from '../gen/chart/values-files.ts';
import { charts, openHelm, toolOrWhy } from './helm.ts';
import { renderText } from './rendered.ts';

const program = await toolOrWhy('helm', process.env);
const helm = await openHelm(typeof program === 'string' ? program : '');
const describeWithHelm = typeof program === 'string' ? describe : describe.skip;
const all = leaves(chartValues);

afterAll(async () => {
  await helm[Symbol.asyncDispose]();
});

/** Everything on, so that every value has something to change. */
const everything = {
  'monitoring.serviceMonitor.enabled': true,
  'monitoring.podMonitor.enabled': true,
  'monitoring.rules.enabled': true,
  'backends.enabled': true,
  'ingress.routes': [{ name: 'a', host: 'a.example', service: 'a' }],
};

/** What nothing can be seen of alone, with the values that it needs beside it. */
const company: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'watch.namespaces': { 'watch.scope': 'namespaces' },
  'watch.scope': { 'watch.namespaces': ['other'] },
};

interface Leaf {
  readonly path: string;
  readonly value: ValueSchema & { readonly pattern?: string };
}

/** A value that can be found again in what is rendered, where any text will do. */
function marked({ path, value }: Leaf, mark: string): unknown {
  const { default: held, enum: choices, pattern } = value;
  if (choices !== undefined || pattern !== undefined || samples(path) !== undefined)
    return undefined;
  if (path === 'backends.passwordSeed') return undefined;
  if (typeof held === 'string') return mark;
  if (Array.isArray(held)) return [{ name: mark }];
  return typeof held === 'object' ? { [mark]: 'x' } : undefined;
}

/** Another value of the same type. */
function another({ path, value }: Leaf): unknown {
  const { default: held, enum: choices } = value;
  if (choices !== undefined) return choices.find((one) => one !== held);
  if (typeof held === 'boolean') return !held;
  if (typeof held === 'number') return held + 1;
  return samples(path) ?? 'other';
}

/** Where not any text will do. */
function samples(path: string): unknown {
  if (path.endsWith('.digest')) return `sha256:${'a'.repeat(64)}`;
  if (path.endsWith('.storage')) return '77Gi';
  if (path.endsWith('amespaces')) return ['other'];
  return {
    'config.logLevel': 'debug',
    'config.keda.metricsUrl': 'https://other.example',
    'networkPolicy.apiServer.ports': [6_444],
    'networkPolicy.apiServer.cidrs': ['192.0.2.1/32'],
    'ingress.routes': [{ name: 'b', host: 'b.example', service: 'b' }],
    // Made where there is a claim already, no class of storage is asked for.
    'tests.existingClaim': 'mine',
    'backends.valkey.maxMemory': '77mb',
    'monitoring.serviceMonitor.interval': '77s',
    'monitoring.podMonitor.interval': '77s',
  }[path];
}

function settings(values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(values).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ]);
}

async function rendered(values: Readonly<Record<string, unknown>>): Promise<string> {
  const fixed = { ...everything, 'backends.passwordSeed': 'seed', 'crds.install': false };
  return renderText(helm, { values: settings({ ...fixed, ...values }) });
}

const marks = new Map(
  all.flatMap((leaf, at) => {
    const mark = `mark-${at}-x`;
    const value = marked(leaf, mark);
    return value === undefined ? [] : [[leaf.path, { mark, value }] as const];
  }),
);
const base = typeof program === 'string' ? rendered({}) : Promise.resolve('');

describe('the values', () => {
  it('have a default and a description each, in a file that says the same as the schema', () => {
    const held: unknown = parse(valuesYaml(chartValues));
    const at = (path: string): unknown =>
      path
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], held);

    expect(all.length).toBeGreaterThan(40);
    for (const { path, value } of all) expect(at(path), path).toEqual(value.default);
  });

  it('are closed at every level but that of an umbrella chart', () => {
    const open: string[] = [];
    const walk = (schema: ValueSchema & { additionalProperties?: unknown }, path: string): void => {
      if (schema.properties === undefined) return;
      if (schema.additionalProperties !== false) open.push(path);
      for (const [key, child] of Object.entries(schema.properties)) walk(child, `${path}.${key}`);
    };
    walk(JSON.parse(valuesSchema(chartValues)) as ValueSchema, '');

    expect(open).toEqual(['.global']);
  });

  it('are told by the generator when one has no description or no default', () => {
    const value = (schema: object): ValueSchema => ({
      properties: { a: { properties: { b: schema } } },
    });
    const described = { description: 'What it is for.' };

    expect(() => valuesYaml(value({ default: 1 }))).toThrow('a has no description');
    expect(() => valuesYaml({ properties: { a: { default: 1 } } })).toThrow('a has no description');
    expect(() => valuesYaml({ properties: { a: described } })).toThrow('a has no default');
  });
});

describeWithHelm('each value', () => {
  it('that is any text, list or map can be found in what is rendered', async () => {
    const values = [...marks].map(([path, { value }]) => [path, value] as const);
    const text = await rendered(Object.fromEntries(values));

    expect(marks.size).toBeGreaterThan(20);
    for (const [path, { mark }] of marks) expect(text.includes(mark), path).toBe(true);
  });

  it.each(all.filter(({ path }) => !marks.has(path)))(
    '$path changes what is rendered',
    async (leaf) => {
      const { path } = leaf;
      const beside = company[path] ?? {};
      // What the base has on is compared with the default, everything else with the base.
      const isOn = path in everything || path === 'crds.install' || path.endsWith('passwordSeed');
      const changed = { ...beside, [path]: isOn ? leaf.value.default : another(leaf) };

      expect(await rendered(changed)).not.toBe(await base);
    },
  );

  it.each(['nope=1', 'watch.nope=1', 'images.operator.nope=1', 'config.leaderElection.nope=1'])(
    'is known: %s is refused',
    async (value) => {
      await expect(renderText(helm, { values: ['--set', value] })).rejects.toThrow(/nope/);
    },
  );

  it.each(['replicas=0', 'watch.scope=all', 'config.graceMs=1', 'images.operator.digest=abc'])(
    'is checked: %s is refused',
    async (value) => {
      await expect(renderText(helm, { values: ['--set', value] })).rejects.toThrow(
        /values don't meet the specifications/,
      );
    },
  );

  it('of an umbrella chart may say what it likes for all its parts', async () => {
    const values = ['--set', 'global.somebodyElses=1', '--set', 'enabled=true'];

    await expect(renderText(helm, { values })).resolves.toContain('kind: Deployment');
  });

  it('has its place in the file that Helm reads', () => {
    const committed = readFileSync(join(charts.millrace, 'values.yaml'), 'utf8');

    expect(committed).toBe(valuesYaml(chartValues));
  });
});
