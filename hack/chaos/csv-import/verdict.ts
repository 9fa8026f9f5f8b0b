/**
 * What must be true at the end of every import, whoever died on the way: the same table, rejects and
 * totals as the undisturbed import, every chunk done exactly once, and nothing left behind.
 */
import { queueName } from '@millrace/runtimes/csv-import/messages';
import { deadLetterName } from '@millrace/runtimes/connectors/rabbitmq/queue';
import {
  filterIndexName,
  positionIndexName,
} from '@millrace/runtimes/csv-import/load/target-indexes';
import type { Expected } from './input.ts';
import type { Variant } from './manifest.ts';
import type { PlayResult } from './play-process.ts';
import { podProcesses } from '../pods.ts';
import type { Scene } from './scene.ts';

export interface Subject {
  readonly scene: Scene;
  /** Import and table. */
  readonly name: string;
  readonly variant: Variant;
  readonly result: PlayResult;
  /** The undisturbed import of the same variant; absent for that one itself. */
  readonly reference?: string;
}

interface LedgerRow {
  readonly uid: string;
  readonly state: string;
  readonly queue: number;
  readonly holder: string | null;
}

/** What is wrong, in words; nothing when all is well. */
export async function problems(subject: Subject): Promise<string[]> {
  const { scene, name, result } = subject;
  const [ledger] = await scene.observer.rows<LedgerRow>(
    `SELECT i.uid, i.state, p.queue, t.holder FROM millrace.imports i
     JOIN millrace.plans p ON p.import = i.uid
     JOIN millrace.targets t ON t.target_table = i.target WHERE i.name = $1`,
    [name],
  );
  if (ledger === undefined) return ['the ledger does not know the import'];
  const lists = await Promise.all([
    chunkProblems(subject, ledger.uid),
    tableProblems(subject),
    rejectProblems(subject, ledger.uid),
    leftovers(subject, ledger),
  ]);
  const isComplete = result.status?.conditions?.some(
    ({ type, status }) => type === 'Complete' && status === 'True',
  );
  return [
    ...(result.code === 0 ? [] : [`play ended with ${String(result.code)}`]),
    ...(isComplete === true ? [] : ['its status is not Complete']),
    ...(ledger.state === 'Complete' ? [] : [`its ledger says ${ledger.state}`]),
    ...(ledger.holder === null ? [] : ['the table is still held']),
    ...totalProblems(result, expectedOf(subject)),
    ...lists.flat(),
  ];
}

function expectedOf({ scene, variant }: Subject): Expected {
  return scene.file(variant).expected;
}

function totalProblems({ status }: PlayResult, expected: Expected): string[] {
  const names = ['read', 'loaded', 'superseded', 'rejected', 'comments', 'blank'] as const;
  return names.flatMap((name) => {
    const said = status?.totals?.[name];
    return said === expected[name]
      ? []
      : [`totals.${name} is ${String(said)}, not ${String(expected[name])}`];
  });
}

async function chunkProblems(subject: Subject, uid: string): Promise<string[]> {
  const { scene } = subject;
  const expected = expectedOf(subject);
  const [row] = await scene.observer.rows<Record<string, number>>(
    `WITH c AS (
       SELECT *, lag("offset" + length) OVER (ORDER BY chunk) AS before,
         -- A chunk tried by parts is loaded by a trial, and its worker says so once more.
         (SELECT coalesce(nullif(count(from_record), 0), count(*)) FROM millrace.attempts a
          WHERE a.import = c.import AND a.chunk = c.chunk AND a.outcome = 'Loaded') AS loads
       FROM millrace.chunks c WHERE import = $1)
     SELECT count(*)::int AS chunks, count(done_at)::int AS done,
       count(*) FILTER (WHERE loads <> 1)::int AS not_once,
       count(*) FILTER (WHERE before IS NOT NULL AND before <> "offset")::int AS gaps,
       max("offset" + length)::int AS ends,
       (sum(read) - sum(superseded) - sum(rejected))::int AS loaded,
       (SELECT chunks FROM millrace.plans WHERE import = $1) AS planned FROM c`,
    [uid],
  );
  const { chunks, done, not_once: notOnce, gaps, ends, loaded, planned } = row ?? {};
  return [
    ...(done === chunks && chunks === planned
      ? []
      : [`${String(done)} of ${String(chunks)} chunks are done, ${String(planned)} planned`]),
    ...(notOnce === 0 ? [] : [`${String(notOnce)} chunks were not loaded exactly once`]),
    ...(gaps === 0 && ends === expected.bytes ? [] : ['the chunks do not cover the file']),
    ...(loaded === expected.loaded
      ? []
      : [`the ledger's loaded is ${String(loaded)}, not ${String(expected.loaded)}`]),
  ];
}

/** Without the import's sequence number in the high bits, positions of two imports are alike. */
const rowsOf = (table: string): string =>
  `SELECT id, serial, name, note, amount, joined, active, _millrace_pos & ((1::bigint << 43) - 1)
   FROM "${table}"`;

const rejectsOf = (table: string): string =>
  `SELECT chunk, record_offset, line, raw, raw_truncated, column_name, reason, detail
   FROM "${table}_rejects"`;

async function tableProblems(subject: Subject): Promise<string[]> {
  const { scene, name, variant, reference } = subject;
  const { observer } = scene;
  const expected = expectedOf(subject);
  const [row] = await observer.rows<{ rows: number; serials: string }>(
    `SELECT count(*)::int AS rows, sum(serial)::text AS serials FROM "${name}"`,
  );
  const sum = variant.onConflict === 'LatestWins' ? expected.lastSum : expected.firstSum;
  return [
    ...(row?.rows === expected.loaded ? [] : [`the table has ${String(row?.rows)} rows`]),
    ...(Number(row?.serials) === sum ? [] : ['another record than the right one holds a key']),
    ...(reference === undefined ? [] : await differences(scene, rowsOf(name), rowsOf(reference))),
  ];
}

async function rejectProblems(subject: Subject, uid: string): Promise<string[]> {
  const { scene, name, reference } = subject;
  const [row] = await scene.observer.rows<{ all: number; own: number }>(
    `SELECT count(*)::int AS all, (count(*) FILTER (WHERE import = $1))::int AS own
     FROM "${name}_rejects"`,
    [uid],
  );
  const { rejected } = expectedOf(subject);
  return [
    ...(row?.own === rejected && row.all === rejected
      ? []
      : [`${String(row?.all)} rejects, not ${String(rejected)}`]),
    ...(reference === undefined
      ? []
      : await differences(scene, rejectsOf(name), rejectsOf(reference))),
  ];
}

/** As bags, both ways. */
async function differences(scene: Scene, mine: string, theirs: string): Promise<string[]> {
  const only = (left: string, right: string): string =>
    `(SELECT count(*)::int FROM ((${left}) EXCEPT ALL (${right})) AS d)`;
  const [row] = await scene.observer.rows<{ extra: number; missing: number }>(
    `SELECT ${only(mine, theirs)} AS extra, ${only(theirs, mine)} AS missing`,
  );
  const { extra = -1, missing = -1 } = row ?? {};
  if (extra === 0 && missing === 0) return [];
  return [
    `against the undisturbed import ${String(extra)} rows too many, ${String(missing)} missing`,
  ];
}

async function leftovers({ scene, name }: Subject, { uid, queue }: LedgerRow): Promise<string[]> {
  const relations = await scene.observer.rows<{ relname: string; fits: boolean }>(
    `SELECT c.relname, coalesce(x.indisvalid, true) AND c.relpersistence = 'p' AS fits
     FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
       AND (c.relname = $1 OR starts_with(c.relname, $1 || '_'))
     ORDER BY c.relname`,
    [name],
  );
  const wanted = [
    name,
    `${name}_pkey`,
    `${name}_rejects`,
    `${name}_rejects_pkey`,
    filterIndexName(name, 'name'),
    filterIndexName(name, 'note'),
    positionIndexName(name),
  ].toSorted();
  const found = relations.map(({ relname }) => relname).toSorted();
  const names = Array.from({ length: queue }, (_, index) => queueName(uid, index + 1));
  const queues = await Promise.all(
    names.flatMap((one) => [one, deadLetterName(one)]).map((one) => scene.queues.ready(one)),
  );
  const alive = podProcesses(scene.stateDir, name).map(({ pod }) => pod);
  return [
    ...(found.join() === wanted.join() ? [] : [`relations are ${found.join(', ')}`]),
    ...(relations.every(({ fits }) => fits) ? [] : ['an index is invalid']),
    ...(queues.every((one) => one === 'Absent') ? [] : ['a queue of it is still there']),
    ...(alive.length === 0 ? [] : [`still running: ${alive.join(', ')}`]),
  ];
}
