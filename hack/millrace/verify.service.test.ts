/**
 * `millrace verify` after a real play: equal at first, then each kind of damage, one at a time. What
 * was damaged is put back after each test, so that tests do not depend on each other.
 */
import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { readRecord } from '../backends/server-folder.ts';
import { ownEnvironment, startPlay } from '../play/test/play-process.ts';
import { millrace, type Ended } from './test/millrace-process.ts';

const manifest = `
apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: {name: people}
spec:
  source: {volume: {claimName: files, path: people.csv}}
  columns:
    - {name: id, type: bigint}
    - {name: mail, type: text}
    - {name: score, type: decimal}
  target: {table: people, key: [id], onConflict: LatestWins}
  workers: {min: 0, max: 2}
  chunkBytes: 1Mi
`;

let folder = '';
let file = '';
let postgres: RunningBackend;
let owner: Client;

function csv(): string {
  const lines = Array.from({ length: 500 }, (_, at) => `${at},secret-${at}@example.org,${at}.50`);
  // Line 502 replaces the row of line 2, line 503 is no row.
  return ['id,mail,score', ...lines, '0,secret-new@example.org,1', 'x,y'].join('\n') + '\n';
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-verify-'));
  file = join(folder, 'files', 'people.csv');
  await mkdir(join(folder, 'files'));
  await writeFile(file, csv());
  await writeFile(join(folder, 'people.yaml'), manifest);
  const state = join(folder, '.millrace');
  const backends = await startBackends(['postgres', 'rabbitmq'], {
    stateDir: join(state, 'backends'),
    env: ownEnvironment(),
    log: () => undefined,
  });
  postgres = backends.get('postgres') as RunningBackend;
  const volume = `files=${join(folder, 'files')}`;
  const args = [join(folder, 'people.yaml'), '--once', '--state', state, '--volume', volume];
  const play = startPlay(args);
  expect(await play.exited, play.stderr()).toBe(0);
  await backends.get('rabbitmq')?.stop();
  owner = new Client({ connectionString: postgres.extra.ownerUrl ?? '' });
  await owner.connect();
  await owner.query(`
    CREATE SCHEMA saved;
    CREATE TABLE saved.people AS SELECT * FROM people;
    CREATE TABLE saved.people_rejects AS SELECT * FROM people_rejects;
    CREATE TABLE saved.chunks AS SELECT * FROM millrace.chunks`);
}, 180_000);

afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function verify(...args: readonly string[]): Promise<Ended> {
  return millrace(['verify', 'csvimport/people', ...args], { cwd: folder });
}

interface Report {
  readonly equal: boolean;
  readonly differences: readonly {
    readonly what: string;
    readonly places: readonly { readonly line?: number; readonly columns?: readonly string[] }[];
  }[];
}

async function verifyJson(): Promise<{ readonly code: number; readonly report: Report }> {
  const { code, stdout } = await verify('--json');
  expect(stdout).not.toContain('secret');
  return { code, report: JSON.parse(stdout) as Report };
}

describe('millrace verify', () => {
  afterEach(async () => {
    await owner.query(`
      TRUNCATE people, people_rejects, millrace.chunks;
      INSERT INTO people SELECT * FROM saved.people;
      INSERT INTO people_rejects SELECT * FROM saved.people_rejects;
      INSERT INTO millrace.chunks SELECT * FROM saved.chunks`);
  });
  afterAll(async () => owner.end());

  it('finds import, source and server of the last play, and says equal with the numbers', async () => {
    const { code, stdout, stderr } = await verify();

    expect(stderr).toMatch(/^postgres: .* already running on 127\.0\.0\.1:\d+\n/);
    expect(stdout).toMatch(
      /people: equal\n +read +502 .*\n +loaded +500\n +superseded +1\n +rejected +1\n/,
    );
    expect(stdout).toMatch(/500 rows of people by value in 3 columns and 1 reject/);
    expect(code).toBe(0);
  });

  it('prints one JSON object and nothing else on standard output', async () => {
    const { stdout } = await verify('--json');

    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'CsvImport',
      namespace: 'default',
      name: 'people',
      equal: true,
      differences: [],
      totals: { read: 502, loaded: 500, superseded: 1, rejected: 1 },
      compared: { records: 502, rows: 500, rejects: 1, columns: ['id', 'mail', 'score'] },
    });
  });

  // Each kind of damage by its line; those in one test cannot hide each other.
  it.each<readonly [string, string, readonly (readonly [string, ...number[]])[]]>([
    [
      'what is missing and what is changed',
      `DELETE FROM people WHERE id = 7;
       UPDATE people SET mail = 'secret' WHERE id = 8;
       UPDATE people SET score = NULL WHERE id = 9;
       UPDATE people SET score = 10.500 WHERE id = 10;
       UPDATE people SET mail = 'secret-0@example.org', score = 0.50,
         _millrace_pos = (SELECT min(_millrace_pos) FROM people) - 5 WHERE id = 0;
       DELETE FROM people_rejects`,
      [
        ['OtherLoaded'],
        ['RowMissing', 9],
        ['OtherRecord', 502],
        ['OtherValues', 10, 11, 12],
        ['RejectMissing', 503],
      ],
    ],
    [
      'what was never in the source, and other counts in the ledger',
      `INSERT INTO people SELECT 9999, 'secret', 1, _millrace_pos FROM people WHERE id = 3;
       INSERT INTO people_rejects SELECT import, chunk, 14, 2, raw, false, NULL, reason FROM people_rejects;
       UPDATE millrace.chunks SET read = read + 1, superseded = superseded + 1 WHERE chunk = 0`,
      [['OtherRead'], ['OtherLoaded'], ['OtherChunk', 2], ['RowExtra', 5], ['RejectExtra', 2]],
    ],
  ])('tells %s, with lines and without values', async (_, damage, found) => {
    await owner.query(damage);

    const { code, report } = await verifyJson();

    expect(
      report.differences.map(({ what, places }) => [what, ...places.map(({ line }) => line)]),
    ).toEqual(found);
    expect(code).toBe(1);
  });

  it('lists differences for people by line and column', async () => {
    await owner.query(`UPDATE people SET mail = 'secret', score = 0 WHERE id IN (1, 2, 3, 4)`);

    const { code, stdout } = await verify();

    expect(stdout).toMatch(/people: 1 difference\n/);
    expect(stdout).toMatch(
      /- 4 rows hold other values than the source\n +line 3, byte \d+: mail, score\n/,
    );
    expect(stdout).not.toContain('secret');
    expect(code).toBe(1);
  });

  it('tells a source that is another one than was imported, or is gone', async () => {
    const before = await readFile(file);
    await writeFile(file, `${csv()}501,later,1\n`);
    const changed = await verify();
    await rename(file, `${file}.away`);
    const gone = await verify('--json');
    await rm(`${file}.away`);
    await writeFile(file, before);

    expect(changed).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/people\.csv changed/),
    });
    expect(JSON.parse(gone.stdout)).toMatchObject({
      equal: false,
      differences: [{ what: 'SourceMissing' }],
    });
    expect(gone.code).toBe(1);

    // The time of change is part of the identity; put back for the other tests.
    const { rows } = await owner.query<{ ns: string }>(
      `SELECT source ->> 'modifiedNs' AS ns FROM millrace.imports`,
    );
    const seconds = Number(BigInt(rows[0]?.ns ?? '0') / 1_000_000_000n);
    await utimes(file, seconds, seconds);
    await owner.query(
      `UPDATE millrace.imports SET source = source || jsonb_build_object('modifiedNs', $1::text)`,
      [`${String(seconds)}000000000`],
    );
  });

  it('takes the import from a manifest and the server from a URL or a mounted Secret', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'millrace-elsewhere-'));
    const volume = `files=${join(folder, 'files')}`;
    const args = ['verify', 'csvimport/people', '--json', '--volume', volume];
    const from = [...args, '--manifest', join(folder, 'people.yaml')];
    await writeFile(join(elsewhere, 'POSTGRES_URL'), `${postgres.url}\n`);
    await writeFile(join(elsewhere, '.env'), `MILLRACE_POSTGRES_URL=${postgres.url}\n`);

    const ends = await Promise.all([
      millrace([...from, '--postgres-url', postgres.url], { cwd: folder }),
      millrace([...from, '--backends', elsewhere], { cwd: folder }),
      millrace(from, { cwd: elsewhere }),
    ]);
    await rm(elsewhere, { recursive: true });

    for (const { code, stdout, stderr } of ends) {
      expect(JSON.parse(stdout)).toMatchObject({ equal: true });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  it('tells a database in which the import never ran from one that is away', async () => {
    const url = new URL(postgres.extra.ownerUrl ?? '');
    url.pathname = '/empty';
    await millrace(['db', 'create', '--postgres-url', url.href], { cwd: folder });

    const withoutLedger = await verify('--postgres-url', url.href);
    await millrace(['migrate', 'up', '--postgres-url', url.href], { cwd: folder });
    const withLedger = await verify('--postgres-url', url.href);

    for (const { code, stderr } of [withoutLedger, withLedger]) {
      expect(stderr).toMatch(/the ledger has nothing that csvimport\/people loaded/);
      expect(code).toBe(65);
    }
  });

  it.each([
    [['csvimport/nobody'], 65, /knows no import csvimport\/nobody; there is csvimport\/people\n/],
    [['csvimport/people', '-n', 'other'], 65, /csvimport\/people --namespace other; there is/],
    [['csvimport/people', '--state', 'nowhere'], 65, /nowhere knows no import\. Run `npm run play/],
    [['people'], 64, /name the import as csvimport\/<name>/],
    [['csvimport/people', '--volume', 'files'], 64, /write it as claim=folder/],
    [['csvimport/people', '--volume', 'files=gone'], 64, /gone: there is no such folder/],
    [['csvimport/people', '--postgres-url', 'http://db'], 64, /not of the form postgres:\/\//],
    [['csvimport/people', '--backends', 'gone'], 64, /no file POSTGRES_URL/],
    [
      ['csvimport/people', '--postgres-url', 'postgres://me:hidden@127.0.0.1:1/db'],
      75,
      /postgres at 127\.0\.0\.1:1\/db \(command line\): .*Start the server/,
    ],
    [[], 64, /missing required argument/],
  ])('refuses %j with exit code %i and the way out', async (args, expected, message) => {
    const { code, stdout, stderr } = await millrace(['verify', ...args], { cwd: folder });

    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('hidden');
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });
});

describe('millrace verify after the servers of play have ended', () => {
  it('starts the one it needs and ends it again', async () => {
    await postgres.stop();

    const { code, stdout, stderr } = await verify();

    expect(stdout).toMatch(/people: equal/);
    expect(stderr).toMatch(/^postgres: .*, ready in [\d.]+ s\n$/);
    expect(await readRecord(join(folder, '.millrace/backends/postgres'))).toBeUndefined();
    expect(code).toBe(0);
  });
});
