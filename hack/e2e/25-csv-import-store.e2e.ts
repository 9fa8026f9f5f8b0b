/**
 * Imports from an S3 store in pods as they are shipped: by ranges with a sealed column, a warm cache
 * and a purge at the end, and a compressed object, which its coordinator loads alone.
 */
import { gzipSync } from 'node:zlib';
import { csvImports } from '@millrace/operator/kinds/csv-import/resource-types';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { s3Connections } from '@millrace/runtimes/connectors/s3/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicasOf, serviceUrl, statusOf, waitForCondition } from './resources.ts';
import {
  apply,
  installedApi,
  kubectl,
  preparedNamespace,
  rows,
  suite,
  type Rows,
} from './suite.ts';
import { waitFor, waitUntil } from './waiting.ts';

const namespace = 'store';
const bucket = 'drops';
const records = 20_000;
/** Every so many records one names its year in words. */
const brokenEvery = 1_000;
const rejected = records / brokenEvery;
const completeMs = 120_000;

function file(): string {
  const lines = Array.from({ length: records }, (_, at) => {
    const year = at % brokenEvery === 0 ? 'long ago' : String(1900 + (at % 125));
    return `${String(at)},"person ${String(at)}, esq.",person${String(at)}@example.com,${year}\n`;
  });
  return `id,name,email,born\n${lines.join('')}`;
}

function manifest(name: string, spec: object): object {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'CsvImport',
    metadata: { name, namespace },
    spec: { target: { table: name, key: ['id'] }, ...spec },
  };
}

interface Status {
  readonly totals: Readonly<Record<'read' | 'loaded' | 'superseded' | 'rejected', number>>;
}

describe('a CsvImport from an S3 store', () => {
  let api: HttpKubeApi;
  let db: Rows;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    const { sdk, client } = await s3Connections(() => suite().store)();
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
    const content = Buffer.from(file());
    for (const [Key, Body] of [
      ['people.csv', content],
      ['people.csv.gz', gzipSync(content)],
    ] as const) {
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key, Body }));
    }
    client.destroy();
    await preparedNamespace(namespace);
  });

  afterAll(async () => {
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  async function completed(name: string): Promise<Partial<Status>> {
    const place = { api, type: csvImports, namespace, name };
    const wanted = { type: 'Complete', status: 'True' } as const;
    return statusOf<Status>(await waitForCondition(place, wanted, completeMs));
  }

  /** `who` is a name in TOKENS of the backends Secret. */
  async function asked(path: string, who: string): Promise<Readonly<Record<string, unknown>>> {
    const lines = (suite().backends['TOKENS'] ?? '').split('\n').map((line) => line.split(':'));
    const token = lines.find(([name]) => name === who)?.[1] ?? '';
    const url = await serviceUrl(api, { namespace, name: 'people-gateway' });
    return waitFor({
      what: 'the gateway to answer',
      withinMs: 30_000,
      look: async () => {
        const headers = { authorization: `Bearer ${token}` };
        const response = await fetch(`${url}${path}`, { headers });
        const text = await response.text();
        if (!response.ok) return { state: `${String(response.status)} ${text}` };
        return { found: (JSON.parse(text) as { data: Record<string, unknown> }).data };
      },
    });
  }

  it('loads an object by ranges, seals a column and says what it rejected', async () => {
    await apply(
      manifest('people', {
        source: { s3: { bucket, key: 'people.csv' } },
        format: { header: 'Present' },
        columns: [
          { name: 'id', type: 'bigint' },
          { name: 'name', type: 'text' },
          { name: 'email', type: 'text', sealed: true, searchable: true },
          { name: 'born', type: 'integer' },
        ],
        cache: { mode: 'Warm' },
        serve: { enabled: true, filters: ['email'], auth: { mode: 'Tokens' } },
        workers: { max: 2 },
        chunkBytes: '256Ki',
        deletionPolicy: 'Purge',
      }),
    );

    const { totals } = await completed('people');

    const loaded = records - rejected;
    expect(totals).toMatchObject({ read: records, loaded, superseded: 0, rejected });
    const plain = await db.query(`SELECT 1 FROM people WHERE email::text LIKE '%example%' LIMIT 1`);
    expect(plain).toEqual([]);
  });

  it('shows a sealed value to whom it may be shown, and finds its row by it', async () => {
    expect(await asked('/people/7', 'auditor')).toMatchObject({
      id: 7,
      name: 'person 7, esq.',
      email: 'person7@example.com',
    });
    expect(await asked('/people/7', 'clerk')).not.toHaveProperty('email', 'person7@example.com');
    const found = await asked('/people?email=person8@example.com', 'auditor');
    expect(found).toMatchObject([{ id: 8 }]);
  });

  it('loads a compressed object without any worker', async () => {
    const columns = [
      { name: 'id', type: 'bigint' },
      { name: 'name', type: 'text' },
    ];
    const source = { s3: { bucket, key: 'people.csv.gz' } };
    await apply(manifest('packed', { source, columns, workers: { max: 2 } }));

    const { totals } = await completed('packed');

    expect(totals).toMatchObject({ read: records, loaded: records, rejected: 0 });
    const workers = await replicasOf(api, { namespace, name: 'packed-worker' });
    expect(workers?.wanted ?? 0).toBe(0);
  });

  it('takes its table along when it is deleted, where that was asked for', async () => {
    const gone = ['delete', 'csvimport/people', '--namespace', namespace, '--timeout=90s'];
    await kubectl(gone, { timeoutMs: 100_000 });

    await waitUntil('table and rejects to be gone', 10_000, async () => {
      const found = await db.query<{ name: string }>(
        `SELECT tablename AS name FROM pg_tables WHERE tablename LIKE 'people%'`,
      );
      return [found.length === 0, found.map(({ name }) => name).join(', ')];
    });
    expect(await db.query('SELECT count(*)::int AS rows FROM packed')).toEqual([{ rows: records }]);
  });
});
