/** The example of the documentation, on a claim, to exact rows in Postgres. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { csvImports } from '@millrace/operator/kinds/csv-import/resource-types';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../backends/command.ts';
import { ensureSample, sampleLines, sampleRows } from '../play/sample.ts';
import { recordFigure } from './figures.ts';
import { serviceUrl, statusOf, waitForReplicas } from './resources.ts';
import {
  claim,
  installedApi,
  kubectl,
  preparedNamespace,
  rows,
  suite,
  type Rows,
} from './suite.ts';
import { waitFor, waitUntil } from './waiting.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const example = join(repository, 'crds', 'examples', 'csv-import.yaml');
const namespace = 'default';

/** What the sample must come to, counted without anything of ours that reads CSV. */
function expected(): { readonly loaded: number; readonly rejected: number } {
  const ids = new Set<string>();
  let rejected = 0;
  let isHeader = true;
  for (const line of sampleLines(sampleRows)) {
    const isBroken =
      line.includes(',yesterday,') ||
      line.startsWith('#') ||
      line.endsWith(',one field too many') ||
      line.replaceAll(/"(?:[^"]|"")*"/g, '').split(',').length < 8;
    if (isBroken) rejected += 1;
    else if (!isHeader) ids.add(line.slice(0, line.indexOf(',')));
    isHeader = false;
  }
  return { loaded: ids.size, rejected };
}

interface Status {
  readonly totals: Readonly<Record<'read' | 'loaded' | 'superseded' | 'rejected', number>>;
}

describe('a CsvImport', () => {
  let api: HttpKubeApi;
  let db: Rows;
  let folder: string;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    folder = join(suite().folder, 'import');
    await ensureSample(join(folder, 'users.csv'), {
      rows: sampleRows,
      log: (line) => console.error(line),
      signal: AbortSignal.timeout(60_000),
    });
    // Pods run as nobody whom this host knows.
    await chmod(folder, 0o755);
    await chmod(join(folder, 'users.csv'), 0o644);
    await preparedNamespace(namespace);
    await claim(namespace, 'data', folder);
  });

  afterAll(async () => {
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  it('commits its first rows within seconds of kubectl apply', async () => {
    const startedMs = performance.now();
    await kubectl(['apply', '-f', example]);
    await waitUntil('the first row of the import', 60_000, async () => {
      const found = await db.query<{ found: boolean }>(
        `SELECT to_regclass('public.users') IS NOT NULL AS found`,
      );
      if (found[0]?.found !== true) return [false, 'there is no table'];
      const [row] = await db.query('SELECT 1 FROM users LIMIT 1');
      return [row !== undefined, 'the table is empty'];
    });
    await recordFigure({
      what: 'apply → first row committed',
      value: (performance.now() - startedMs) / 1_000,
      unit: 's',
      bar: 8,
    });
  });

  it('completes, for kubectl wait as it is documented', async () => {
    const wait = ['wait', '--for=condition=Complete', 'csvimport/users', '--timeout=120s'];
    expect(await kubectl(wait, { timeoutMs: 130_000 })).toContain('condition met');
  });

  it('has loaded every row that is one, and rejected every line that is none', async () => {
    const { loaded, rejected } = expected();
    const [counted] = await db.query<{ rows: string; rejects: string }>(
      'SELECT (SELECT count(*) FROM users) AS rows, (SELECT count(*) FROM users_rejects) AS rejects',
    );

    expect(counted).toEqual({ rows: String(loaded), rejects: String(rejected) });
    const { totals } = statusOf<Status>(await api.get(csvImports, { namespace, name: 'users' }));
    expect(totals).toMatchObject({
      read: sampleRows,
      loaded,
      superseded: sampleRows - loaded - rejected,
      rejected,
    });
  });

  it('is what its source says, for millrace verify', async () => {
    const main = join(repository, 'hack', 'millrace', 'main.ts');
    const args = ['verify', 'csvimport/users', '--json', '--manifest', example];
    const place = ['--volume', `data=${folder}`, '--postgres-url', suite().postgres.url];
    const said = await run(process.execPath, [main, ...args, ...place], {
      env: process.env,
      cwd: repository,
      timeoutMs: 120_000,
    });

    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).toMatchObject({ equal: true });
  });

  it('has no workers any more when there is nothing to do', async () => {
    const ref = { namespace, name: 'users-worker' };
    await waitForReplicas({ api, ...ref }, 30_000, ({ wanted, ready }) => wanted + ready === 0);
  });

  it('serves what it loaded at the address of its Service', async () => {
    const url = await serviceUrl(api, { namespace, name: 'users-gateway' });
    const answer = await waitFor({
      what: 'the gateway to answer',
      withinMs: 30_000,
      look: async () => {
        const response = await fetch(`${url}/users/1`);
        return response.ok
          ? { found: (await response.json()) as object }
          : { state: `${String(response.status)} ${await response.text()}` };
      },
    });

    expect(answer).toMatchObject({ data: { id: 1, email_address: 'user1@example.com' } });
  });
});
