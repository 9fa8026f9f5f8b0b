import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { csvImport } from '../kinds/csv-import.ts';
import { incrementPipeline } from '../kinds/increment-pipeline.ts';
import { servedUrl } from './addresses.ts';
import { barLine, plainLine } from './progress-line.ts';
import { Screen } from './screen.ts';

const { view: viewOf, summary, addresses } = csvImport;

const totals = { read: 1_000, loaded: 900, superseded: 60, rejected: 40, comments: 2, blank: 1 };

function resource(status: object): KubeObject {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'CsvImport',
    metadata: { name: 'users', namespace: 'default', uid: 'u' },
    spec: { target: { table: 'users', key: ['id'] }, serve: { filters: ['first_name'] } },
    status,
  };
}

function condition(type: string, reason: string, message = 'in words') {
  return { type, status: 'True', reason, message };
}

const loading = resource({
  conditions: [{ ...condition('Ready', 'Loading'), status: 'False' }],
  totals,
  percent: 50,
  workers: { ready: 1, wanted: 2 },
  progress: { rowsPerSecond: 123_456, backends: [{ name: 'postgres', ok: true }] },
});
const stuck = resource({
  percent: 50,
  progress: { backends: [{ name: 'rabbitmq', ok: false, reason: 'ConnectionRefused' }] },
});

test('a bar says percent, rows, rate, workers, rejects and state', () => {
  const line = barLine(viewOf(loading), 200);

  expect(line).toBe(
    'users  ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  50 %  1,000 rows, 123,456/s, 1/2 workers, 40 rejected  Loading',
  );
});

test('a bar names backends that are down, and fits its terminal', () => {
  expect(barLine(viewOf(stuck), 200)).toContain('rabbitmq ConnectionRefused');
  expect(barLine(viewOf(stuck), 40)).toHaveLength(39);
});

test('a resource without a status can be shown', () => {
  expect(plainLine(viewOf(resource({})))).toBe('users: 0 %, 0 rows, 0/0 workers, Accepted');
});

class Recorder extends Writable {
  readonly isTTY: boolean;
  readonly columns = 200;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function screen(isTTY: boolean, now: () => number = () => 0) {
  const out = new Recorder(isTTY);
  return { out, screen: new Screen({ out: out as unknown as NodeJS.WriteStream, now }) };
}

test('a terminal has its bars redrawn in place, with other lines above them', () => {
  const { out, screen: shown } = screen(true);

  shown.show([viewOf(stuck)]);
  shown.line('hello');
  shown.show([viewOf(loading)]);
  shown.show([viewOf(loading)]);

  const [first, second] = [barLine(viewOf(stuck), 200), barLine(viewOf(loading), 200)];
  const up = '\u001B[1A\u001B[0J';
  expect(out.text).toBe(`${first}\n${up}hello\n${first}\n${up}${second}\n`);
});

test('bars that were left behind come again only when they change', () => {
  const { out, screen: shown } = screen(true);
  shown.show([viewOf(loading)]);
  const before = out.text;

  shown.close();
  shown.show([viewOf(loading)]);
  shown.line('the end');

  expect(out.text).toBe(`${before}the end\n`);
});

test('a log gets a line at a change of state and else every few seconds', () => {
  let nowMs = 0;
  const { out, screen: shown } = screen(false, () => nowMs);

  for (const atMs of [0, 1_000, 4_999, 5_000, 6_000]) {
    nowMs = atMs;
    shown.show([viewOf(loading)]);
  }
  shown.show([viewOf(stuck)]);

  expect(out.text.split('\n').map((line) => line.split(', ').at(-1))).toEqual([
    'Loading',
    'Loading',
    'rabbitmq ConnectionRefused',
    '',
  ]);
});

test('the summary shows the sum that must hold and where rejects are', () => {
  const done = resource({
    conditions: [condition('Complete', 'Complete')],
    totals,
    progress: { rejectReasons: [{ reason: 'Ragged', rows: 40 }], backends: [] },
  });

  expect(summary(done, 2)).toEqual([
    'CsvImport default/users: Complete',
    '  read               1,000  = loaded + superseded + rejected',
    '  loaded               900',
    '  superseded            60',
    '  rejected              40  Ragged 40',
    '  skipped                3  comments and blank lines',
    '  in 2.0 s, 500 rows/s from start to end',
    '  rejects with reasons: table users_rejects',
  ]);
});

test('the summary does not hide a sum that does not hold', () => {
  const wrong = resource({ conditions: [], totals: { ...totals, loaded: 1 } });

  expect(summary(wrong, 1)[2]).toContain('≠');
});

test('the summary of a failure says why', () => {
  const failed = resource({ conditions: [condition('Failed', 'SourceMissing', 'No file.')] });

  expect(summary(failed, 1)).toEqual(['CsvImport default/users: SourceMissing', '  No file.']);
});

test('addresses are commands to paste, once somebody answers', () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'users-gateway',
      namespace: 'default',
      ownerReferences: [{ apiVersion: 'x', kind: 'CsvImport', name: 'users', uid: 'u' }],
    },
  };
  const port = {
    namespace: 'default',
    service: 'users-gateway',
    port: 80,
    url: 'http://127.0.0.1:1234',
  };

  expect(servedUrl(loading, [service], [{ ...port, endpointCount: 0 }])).toBeUndefined();
  expect(servedUrl(loading, [service], [{ ...port, endpointCount: 1 }])).toBe(port.url);
  expect(addresses(loading, port.url)).toEqual([
    'users is served at http://127.0.0.1:1234/users; watch it live in a browser at http://127.0.0.1:1234/, or try',
    "  curl 'http://127.0.0.1:1234/users?limit=5'",
    "  curl 'http://127.0.0.1:1234/users?first_name=a&limit=5'",
    "  curl 'http://127.0.0.1:1234/users/1'",
  ]);
});

describe('a pipeline of increments', () => {
  const sums = { committed: 900, duplicates: 60, deadLetters: 7, lost: 0, incarnations: 0 };
  const counted = { ...sums, accepted: 1_000 };
  const service: KubeObject = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'IncrementPipeline',
    metadata: { name: 'views', namespace: 'default', uid: 'u' },
    spec: { target: { table: 'increments' } },
    status: {
      conditions: [condition('Ready', 'Running')],
      totals: counted,
      workers: { ready: 1, wanted: 2 },
      progress: {
        totals: counted,
        stalenessMs: 430,
        rates: { acceptedPerSecond: 1_234.4 },
        partitions: { owned: 7, total: 8 },
        backlog: { increments: 33 },
        backends: [{ name: 'postgres', ok: true }],
      },
    },
  };

  test('is one live line without a bar, since it never ends', () => {
    expect(barLine(incrementPipeline.view(service), 200)).toBe(
      'views  1,234/s, 1,000 accepted, staleness 0.4 s, backlog 33, 7/8 partitions, 1/2 workers, 7 dead letters  Ready',
    );
    expect(plainLine(incrementPipeline.view({ ...service, status: {} }))).toBe('views: Accepted');
  });

  test('says that it drains or is stale rather than that it is ready', () => {
    const stale = [condition('Ready', 'Running'), condition('Stale', 'PostgresDown')];

    expect(incrementPipeline.view({ ...service, status: { conditions: stale } }).state).toBe(
      'Stale',
    );
  });

  test('does not fill a log while nothing moves', () => {
    let nowMs = 0;
    const { out, screen: shown } = screen(false, () => nowMs);

    for (const atMs of [0, 5_000, 10_000]) {
      nowMs = atMs;
      shown.show([incrementPipeline.view(service)]);
    }

    expect(out.text.split('\n')).toHaveLength(2);
  });

  test('has a summary with the sum that must hold', () => {
    const off = { ...counted, committed: 901 };

    expect(incrementPipeline.summary(service, 1)[1]).toMatch(/accepted +1,000 {2}= the sum/);
    expect(incrementPipeline.summary({ ...service, status: { totals: off } }, 1)[2]).toContain('≠');
  });

  test('is tried with commands that can be pasted, with a key of their own', () => {
    const lines = incrementPipeline.addresses(service, 'http://127.0.0.1:1');

    const keys = lines.join('\n').match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [];
    expect(lines).toContain(`  curl 'http://127.0.0.1:1/counts/${keys[0] ?? ''}?fresh=true'`);
    expect(keys).toHaveLength(5);
    expect(new Set(keys).size).toBe(1);
    expect(lines.join('')).not.toContain('Authorization');
  });
});
