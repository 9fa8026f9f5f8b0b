/**
 * Sealed columns from the file to the answer: what the table, its rejects, the cache, the log and the
 * gateway hold, with the right keys, with others, and when somebody moves or changes what is stored.
 */
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { ColumnSpec, CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { given, lacks } from '../../test/backends.ts';
import { testGateway, type TestGateway } from '../../test/gateway.ts';
import { importFlow } from '../../test/import-flow.ts';
import { preparedImport, sourceOf, type PreparedImport } from '../../test/prepared-import.ts';
import { fixedKeys, sealingKeys } from '../../test/sealing-keys.ts';
import { changeState } from '../chunks/imports.ts';
import { sealingKeysInUse } from '../chunks/sealing-keys.ts';
import { keyRingReader, type KeyRingReader } from '../sealing/key-ring.ts';
import { Opener } from '../sealing/opener.ts';
import { rejectBytes } from './load/sealed-rejects.ts';
import { createSink } from './load/sink.ts';
import { importTelemetry } from './telemetry.ts';
import { verifyImport } from './verify/verify.ts';
import { readContext, workChunk, type ChunkWorkOptions } from './worker/chunk-work.ts';

const columns: ColumnSpec[] = [
  { name: 'email', type: 'text', sealed: true, searchable: true },
  { name: 'id', type: 'bigint' },
  { name: 'name', type: 'text' },
  { name: 'born', type: 'date', sealed: true },
  { name: 'seen', type: 'timestamp', sealed: true },
  { name: 'balance', type: 'decimal', sealed: true },
  { name: 'visits', type: 'bigint', sealed: true },
  { name: 'extra', type: 'json', sealed: true },
];
const secret = 'zq-secret';
const content = [
  columns.map(({ name }) => name).join(),
  `ada.${secret}@example.com,1,Ada,1815-12-10,2026-01-02T03:04:05.678Z,-12345678.9000,9007199254740993,"{""${secret}"": 1}"`,
  `,2,Bob,,,,,`,
  `eve.${secret}@example.com,3,Eve,1999-02-28,1969-12-31T23:59:59Z,0.05,-7,"[1,${secret.length}]"`,
  `lost.${secret}@example.com,not a number,Mallory,2000-01-01,,,,`,
  '',
].join('\n');

const revealing = { authorization: 'Bearer revealing-token-1' };
const plain = { authorization: 'Bearer plain-token-12345' };
const tokens = 'clerk:plain-token-12345\nauditor:revealing-token-1:reveal';

const logged: string[] = [];
const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

async function loaded(
  keys: KeyRingReader,
  overrides: Partial<CsvImportPodConfig> = {},
): Promise<PreparedImport> {
  const it = await preparedImport(content, {
    columns,
    chunkBytes: 65_536,
    serve: { enabled: true, filters: ['name', 'email'], auth: { mode: 'Tokens' } },
    ...overrides,
  });
  await load(it, keys);
  return it;
}

async function load(it: PreparedImport, keys: KeyRingReader): Promise<void> {
  const options: ChunkWorkOptions = {
    config: it.config,
    db: it.app,
    sink: createSink({ config: it.config, keys }),
    source: sourceOf(it.config),
    clock: systemClock,
    telemetry: importTelemetry(log, createMetrics({})),
    name: 'worker',
  };
  const context = await readContext(options);
  for (const chunk of it.chunks) expect(await workChunk(chunk, context, options)).toBe('Loaded');
}

function gatewayOf(
  it: PreparedImport,
  keys: KeyRingReader,
  changes: Partial<CsvImportPodConfig> = {},
): Promise<TestGateway> {
  const config = { ...it.config, ...changes };
  return testGateway({
    config,
    postgresUrl: it.env['POSTGRES_URL'] ?? '',
    keys,
    tokens: () => tokens,
    logged: (line) => logged.push(line),
    ...(config.cache.mode === 'Off' ? {} : { redisUrl: given('redis').url }),
  });
}

/** Everything that the database holds of the import, with bytes in hex. */
async function stored(it: PreparedImport): Promise<string> {
  const { rows } = await it.owner.query<{ text: string }>(
    `SELECT t::text AS text FROM things t UNION ALL SELECT r::text FROM things_rejects r
     UNION ALL SELECT c::text FROM millrace.chunks c UNION ALL SELECT i::text FROM millrace.imports i
     UNION ALL SELECT a::text FROM millrace.attempts a`,
  );
  return rows.map(({ text }) => text).join('\n');
}

/** Every value that the cache holds of rows. */
async function cached(): Promise<string> {
  const client = new Redis(given('redis').url);
  try {
    const keys = await client.keys('millrace:{things}:row:*');
    expect(keys.length).toBeGreaterThan(0);
    return (await client.mget(keys)).join('\n');
  } finally {
    await client.quit();
  }
}

function expectNoSecret(text: string): void {
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret).toString('hex'));
}

/** The one reject is sealed, and opens for who has the keys. */
async function expectReject(it: PreparedImport, keys: KeyRingReader): Promise<void> {
  const { rows } = await it.owner.query<{ offset: string; raw: Buffer; sealed: boolean }>(
    'SELECT record_offset AS offset, raw, raw_sealed AS sealed FROM things_rejects',
  );
  const [reject] = rows;
  expect(rows).toHaveLength(1);
  expect(reject?.raw.toString('latin1')).not.toContain(secret);
  const opened = rejectBytes(new Opener(keys), {
    table: 'things',
    import: it.uid,
    recordOffset: Number(reject?.offset),
    raw: reject?.raw ?? Buffer.alloc(0),
    isSealed: reject?.sealed ?? false,
  });
  expect(opened.toString()).toBe(`lost.${secret}@example.com,not a number,Mallory,2000-01-01,,,,`);
}

const ada = {
  id: 1,
  name: 'Ada',
  email: `ada.${secret}@example.com`,
  born: '1815-12-10',
  seen: '2026-01-02T03:04:05.678+00:00',
  extra: { [secret]: 1 },
};

describe.skipIf(lacks('postgres', 'redis'))('sealed columns', () => {
  it('are unreadable wherever they are kept, and shown to those alone who may see them', async () => {
    const keys = fixedKeys('one');
    await using it = await loaded(keys, { cache: { mode: 'Invalidate', ttlMs: 60_000 } });
    expectNoSecret(await stored(it));
    expect(await sealingKeysInUse(it.owner, 'things')).toEqual(['one']);

    await expectReject(it, keys);

    await using gateway = await gatewayOf(it, keys);
    expect((await gateway.get('/things/1', plain)).data).toEqual({ id: 1, name: 'Ada' });
    // Twice each: from Postgres, and from Redis, which holds envelopes.
    for (const round of ['stored', 'cached']) {
      const shown = await gateway.get('/things/1', revealing);
      expect(shown.data, round).toMatchObject(ada);
      expect(shown.text).toContain('"balance":-12345678.9000');
      expect(shown.text).toContain('"visits":9007199254740993');
      expect((await gateway.get('/things/1', plain)).data).toEqual({ id: 1, name: 'Ada' });
    }
    expect((await gateway.get('/things/2', revealing)).data).toEqual({
      id: 2,
      name: 'Bob',
      email: '',
      born: null,
      seen: null,
      balance: null,
      visits: null,
      extra: null,
    });
    const page = await gateway.get('/things?name=e', revealing);
    expect(page.data).toMatchObject([{ id: 3, seen: '1969-12-31T23:59:59+00:00', balance: 0.05 }]);
    expect((await gateway.get('/things', plain)).text).not.toContain(secret);
    expect((await gateway.get('/things/1')).status).toBe(401);

    expectNoSecret(await cached());
    expectNoSecret(logged.join(''));
  });

  it('say which key is missing, are found by equality, and tell that a value was changed or moved', async () => {
    await using it = await loaded(fixedKeys('one'));
    let text = sealingKeys('two');
    const keys = keyRingReader({
      read: () => text,
      clock: { monotonic: () => systemClock.monotonic() * 1_000 },
    });
    await using gateway = await gatewayOf(it, keys);
    const without = await gateway.get('/things/1', revealing);
    expect(without).toMatchObject({ status: 503, code: 'SealingKeyMissing' });
    expect(without.text).toContain('the key one');
    expect((await gateway.get('/things/1', plain)).status).toBe(200);

    text = sealingKeys('two', 'one');
    await expect.poll(async () => (await gateway.get('/things/1', revealing)).status).toBe(200);
    // After a rotation rows of both keys are there, and a search finds either.
    const search = (value: string) => `/things?email=${encodeURIComponent(value)}`;
    const found = await gateway.get(search(`ada.${secret}@example.com`), plain);
    expect(found.data).toEqual([{ id: 1, name: 'Ada' }]);
    expect((await gateway.get(search(`ada.${secret}`), plain)).data).toEqual([]);
    expect((await gateway.get(search(''), plain)).data).toEqual([{ id: 2, name: 'Bob' }]);
    expect((await gateway.get('/things?born=1815-12-10', plain)).status).toBe(400);

    await it.owner.query(
      'UPDATE things SET email = (SELECT email FROM things WHERE id = 3) WHERE id = 1',
    );
    const moved = await gateway.get('/things/1', revealing);
    expect(moved).toMatchObject({ status: 500, code: 'SealBroken' });
    expect(moved.text).not.toContain(secret);
    await it.owner.query(
      'UPDATE things SET born = set_byte(born, length(born) - 1, (get_byte(born, length(born) - 1) + 1) % 256) WHERE id = 3',
    );
    expect((await gateway.get('/things/3', revealing)).code).toBe('SealBroken');
    expectNoSecret(logged.join(''));
  });

  it('wait for the ring, without a table half in the open', async () => {
    await using it = await preparedImport(content, { columns });
    const missing = keyRingReader({ read: () => undefined, clock: systemClock });
    await expect(load(it, missing)).rejects.toMatchObject({
      family: 'Transient',
      code: 'SealingKeysMissing',
    });
    expectNoSecret(await stored(it));
    await load(it, fixedKeys('one'));
    const { rows } = await it.owner.query('SELECT id FROM things');
    expect(rows).toHaveLength(3);
  });

  it('are verified by value, with what was changed told by place and column', async () => {
    const keys = fixedKeys('one');
    await using it = await loaded(keys);
    await changeState(it.owner, it.uid, { from: ['Loading'], to: 'Complete' });
    const verify = async () =>
      await verifyImport({
        config: it.config,
        db: it.owner,
        sink: createSink({ config: it.config, keys }),
        keys,
        source: sourceOf(it.config),
      });
    expect((await verify()).differences).toEqual([]);

    await it.owner.query(
      `UPDATE things SET email = (SELECT email FROM things WHERE id = 3), visits = NULL WHERE id = 1;
       UPDATE things SET email_bidx = sha256(email) WHERE id = 2;
       UPDATE things_rejects SET raw = set_byte(raw, 60, 255 - get_byte(raw, 60))`,
    );
    const { differences } = await verify();
    expect(differences.map(({ what }) => what)).toEqual([
      'OtherValues',
      'RejectMissing',
      'RejectExtra',
    ]);
    expect(differences[0]?.places).toMatchObject([
      { line: 2, columns: ['email', 'visits'] },
      { line: 3, columns: ['email_bidx'] },
    ]);
    expect(differences[1]?.places).toMatchObject([{ line: 5 }]);
    expectNoSecret(JSON.stringify(differences));
  });

  it('are bound to the position in a table without a key', async () => {
    const keys = fixedKeys('one');
    await using it = await loaded(keys, {
      target: { table: 'things', key: [], onConflict: 'LatestWins', adopt: false },
    });
    await using gateway = await gatewayOf(it, keys);
    const page = await gateway.get('/things?limit=1', revealing);
    expect(page.data).toMatchObject([ada]);
  });
});

const unheaded = 'a sealed import of a file without a header';
describe.skipIf(lacks('postgres', 'rabbitmq'))(unheaded, { concurrent: true }, () => {
  it.each([
    ['HeaderUndecided', {}],
    ['HeaderUndecided', { header: 'Auto' }],
    ['MissingColumn', { header: 'Present' }],
  ] as const)('fails as %s with the format %o, and tells no value', async (reason, format) => {
    const names = ['Ada', 'Eve', 'Lost', 'Mallory'];
    await using flow = await importFlow({
      content: names.map((name) => `${name},${name}.${secret}@example.com\n`).join(''),
      config: {
        format,
        columns: [
          { name: 'id', from: 0, type: 'text' },
          { name: 'email', type: 'text', sealed: true },
        ],
      },
      realSink: true,
      keys: fixedKeys('one'),
    });
    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress().reason).toBe(reason);
    const ledger = await flow.db.query('SELECT i::text FROM millrace.imports i');
    expect(ledger.rows).toHaveLength(1);
    const told = [ledger.rows, coordinator.progress(), coordinator.terminationMessage()];
    expectNoSecret(JSON.stringify(told));
  });
});
