import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { asOwner, gatewayConfig, testGateway, type ConfigChanges } from '../../../test/gateway.ts';

const people = [
  `CREATE TABLE people (id bigint PRIMARY KEY, first_name text, last_name text, score numeric,
     born timestamptz, _millrace_pos bigint NOT NULL)`,
  `CREATE INDEX ON people (lower(left(first_name, 64)) text_pattern_ops)`,
  `INSERT INTO people VALUES
     (1, 'Ann', 'O''Hara', 10.50, '2024-02-29T23:30:00+02:00', 1),
     (2, 'anna', '100%', 0.1000000000000000000000001, NULL, 2),
     (3, 'Bob', 'a_b', NULL, NULL, 3),
     (9007199254740993, 'Carl', 'a\\b', 'NaN', NULL, 4)`,
];
const config = (changes: ConfigChanges = {}) =>
  gatewayConfig({ serve: { filters: ['first_name', 'last_name'] }, ...changes });

async function peopleDatabase(): Promise<TestDatabase> {
  const db = await database();
  await asOwner(db.ownerUrl, ...people);
  return db;
}

function ids(data: unknown): readonly unknown[] {
  return (data as readonly { id: unknown }[]).map(({ id }) => id);
}

describe.skipIf(lacks('postgres'))('the gateway over Postgres', () => {
  it('answers a row with the digits that Postgres holds and without the position', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });

    const large = await served.get('/people/9007199254740993');
    const decimal = await served.get('/people/2');
    const time = await served.get('/people/1');

    expect(large.text).toContain('"id":9007199254740993,');
    expect(decimal.text).toContain('"score":0.1000000000000000000000001,');
    expect(time.text).toContain('"score":10.50,"born":"2024-02-29T21:30:00+00:00"}');
    expect(large.text).not.toContain('_millrace_pos');
    expect(large.status).toBe(200);
    expect(large.type).toBe('application/json; charset=utf-8');
  });

  it('asks for a token where the resource does, and takes one as soon as it is listed', async () => {
    await using db = await peopleDatabase();
    let list = '# nobody yet';
    await using served = await testGateway({
      config: config({ serve: { filters: [], auth: { mode: 'Tokens' } } }),
      postgresUrl: db.appUrl,
      tokens: () => list,
    });
    const headers = { authorization: 'Bearer token-0123456789' };

    const early = await served.get('/people/1', headers);
    const { tokens } = served.gateway.readiness().dependencies;
    list = 'ann:token-0123456789';
    await expect
      .poll(async () => (await served.get('/people/1', headers)).status, { timeout: 5_000 })
      .toBe(200);

    expect([early.status, early.code, tokens?.ok]).toEqual([503, 'NoTokens', false]);
    for (const path of ['/people/1', '/people', '/nothing']) {
      const refused = await served.get(path);
      expect([refused.status, refused.code, refused.challenge]).toEqual([
        401,
        'Unauthorized',
        'Bearer realm="millrace"',
      ]);
    }
  });

  it('has a page that loads nothing from elsewhere, and needs no token itself', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({
      config: config({ serve: { filters: [], auth: { mode: 'Tokens' } } }),
      postgresUrl: db.appUrl,
      tokens: () => 'ann:token-0123456789',
    });

    const pages = await Promise.all(
      ['/', '/page.css', '/page.js'].map((path) => fetch(`${served.url}${path}`)),
    );
    const [html] = await Promise.all(pages.map((page) => page.text()));

    expect(pages.map((page) => page.headers.get('content-type'))).toEqual([
      'text/html; charset=utf-8',
      'text/css; charset=utf-8',
      'text/javascript; charset=utf-8',
    ]);
    for (const page of pages) {
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(page.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(html).toContain('data-table="people"');
    expect(html).not.toMatch(/https?:\/\//);
    expect((await served.get('/people/events')).status).toBe(401);
  });

  it('pages through every row once, in key order', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });

    const first = await served.get('/people?limit=3');
    const second = await served.get(`/people?limit=3&cursor=${first.next}`);

    expect(ids(first.data)).toEqual([1, 2, 3]);
    expect(second.text).toContain('"id":9007199254740993,');
    expect(ids(second.data)).toHaveLength(1);
    expect(second.next).toBeNull();
  });

  it('filters by prefixes in any case, all of which must hold', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });

    expect(ids((await served.get('/people?first_name=AN')).data)).toEqual([1, 2]);
    expect(ids((await served.get('/people?first_name=an&last_name=o')).data)).toEqual([1]);
    expect((await served.get('/people?first_name=zz')).text).toBe(
      '{"status":"success","data":[],"next":null}',
    );
  });

  it('takes quotes, percent signs, underscores and backslashes in filters literally', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });
    const found = async (prefix: string) =>
      (await served.get(`/people?last_name=${encodeURIComponent(prefix)}`)).text;

    expect(await found("O'")).toContain('"id":1,');
    expect(await found('100%')).toContain('"id":2,');
    expect(await found('%')).toContain('"data":[]');
    expect(await found('1_0')).toContain('"data":[]');
    expect(await found('a_')).toContain('"id":3,');
    expect(await found('a_')).not.toContain('9007199254740993');
    expect(await found('a\\')).toContain('"id":9007199254740993,');
    expect(await found("'; DROP TABLE people; --")).toContain('"data":[]');
    expect((await served.get('/people/1')).status).toBe(200);
  });

  it('checks a prefix longer than the index against the whole value', async () => {
    await using db = await peopleDatabase();
    const stem = 'x'.repeat(70);
    await asOwner(
      db.ownerUrl,
      `INSERT INTO people VALUES (10, '${stem}A', '', 0, NULL, 5), (11, '${stem}B', '', 0, NULL, 6)`,
    );
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });

    expect(ids((await served.get(`/people?first_name=${stem}b`)).data)).toEqual([11]);
    expect(ids((await served.get(`/people?first_name=${stem}`)).data)).toEqual([10, 11]);
  });

  it('refuses what it cannot answer with status, code and envelope', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });
    const expected: readonly (readonly [string, number, string])[] = [
      ['/people?limit=0', 400, 'BadLimit'],
      ['/people?limit=1001', 400, 'BadLimit'],
      ['/people?limit=1e2', 400, 'BadLimit'],
      ['/people?limit=', 400, 'BadLimit'],
      ['/people?cursor=nonsense', 400, 'BadCursor'],
      ['/people?cursor=', 400, 'BadCursor'],
      ['/people?id=1', 400, 'UnknownParameter'],
      ['/people?__proto__=1', 400, 'UnknownParameter'],
      ['/people?limit=1&limit=2', 400, 'RepeatedParameter'],
      ['/people?first_name=%ff', 400, 'BadUrl'],
      ['/people?first_name=%00', 400, 'BadUrl'],
      ['/people/1?fields=id', 400, 'UnknownParameter'],
      ['/people/1?key=2', 400, 'BadParameter'],
      ['/people/abc', 400, 'BadKey'],
      ['/people/1;DROP%20TABLE%20people', 400, 'BadKey'],
      ['/people/9223372036854775808', 400, 'BadKey'],
      ['/people/1,2', 400, 'BadKey'],
      ['/people/%zz', 400, 'BadUrl'],
      ['/people/12345', 404, 'NotFound'],
      ['/people/', 404, 'NotFound'],
      ['/people/limit', 404, 'NotFound'],
      ['/people/events?cursor=x', 400, 'UnknownParameter'],
      ['/people/sse?limit=0', 400, 'BadLimit'],
      ['/people/sse/1', 404, 'NotFound'],
      ['/people/1/2', 404, 'NotFound'],
      ['/other', 404, 'NotFound'],
      ['/people_rejects', 404, 'NotFound'],
      ['/page.html', 404, 'NotFound'],
      ['/?people', 400, 'UnknownParameter'],
      ['//people', 404, 'NotFound'],
    ];

    for (const [path, status, code] of expected) {
      const answer = await served.get(path);

      expect([path, answer.status, answer.code]).toEqual([path, status, code]);
      expect(answer.type).toBe('application/json; charset=utf-8');
      expect(answer.text).toMatch(
        /^\{"status":"error","error":\{"code":.*"requestId":"[^"]+"\}\}$/,
      );
    }
  });

  it('refuses a cursor with other filters than those it was given for', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });
    const { next } = await served.get('/people?first_name=a&limit=1');

    const same = await served.get(`/people?first_name=a&limit=2&cursor=${next}`);
    const other = await served.get(`/people?first_name=b&cursor=${next}`);
    const none = await served.get(`/people?cursor=${next}`);

    expect(ids(same.data)).toEqual([2]);
    expect([other.code, none.code]).toEqual(['BadCursor', 'BadCursor']);
  });

  it('reaches composite keys, odd characters and reserved names', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      `CREATE TABLE people (tag text, day date, PRIMARY KEY (tag, day), _millrace_pos bigint)`,
      `CREATE TABLE words (word text PRIMARY KEY, _millrace_pos bigint)`,
      `INSERT INTO people VALUES ('a,b/c', '2024-02-29', 1)`,
      `INSERT INTO words VALUES ('events', 1), ('', 2), ('a,b', 3), ('50%', 4), ('é🎉', 5)`,
    );
    const composite = gatewayConfig({ target: { key: ['tag', 'day'] } });
    const single = gatewayConfig({ target: { table: 'words', key: ['word'] } });
    await using served = await testGateway({ config: composite, postgresUrl: db.appUrl });
    await using words = await testGateway({ config: single, postgresUrl: db.appUrl });

    expect((await served.get('/people/a%2Cb%2Fc,2024-02-29')).data).toEqual({
      tag: 'a,b/c',
      day: '2024-02-29',
    });
    expect((await served.get('/people/a,2024-02-30')).code).toBe('BadKey');
    expect((await served.get('/people/a,today')).code).toBe('BadKey');
    expect((await served.get('/people/a')).code).toBe('BadKey');
    expect((await words.get('/words/events?key=1')).data).toEqual({ word: 'events' });
    expect((await words.get('/words/cursor?key=1')).code).toBe('NotFound');
    expect((await words.get('/words/?key=1')).data).toEqual({ word: '' });
    expect((await words.get('/words/a,b')).data).toEqual({ word: 'a,b' });
    expect((await words.get('/words/50%25')).data).toEqual({ word: '50%' });
    expect((await words.get(`/words/${encodeURIComponent('é🎉')}`)).data).toEqual({ word: 'é🎉' });
  });

  it('pages a table without a key by position and refuses to address its rows', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      `CREATE TABLE people (word text, _millrace_pos bigint NOT NULL)`,
      `INSERT INTO people VALUES ('b', 2), ('a', 1), ('a', 3)`,
    );
    const keyless = gatewayConfig({ target: { key: [] } });
    await using served = await testGateway({ config: keyless, postgresUrl: db.appUrl });

    const first = await served.get('/people?limit=2');
    const second = await served.get(`/people?limit=2&cursor=${first.next}`);

    expect([first.data, second.data]).toEqual([[{ word: 'a' }, { word: 'b' }], [{ word: 'a' }]]);
    expect((await served.get('/people/a')).status).toBe(404);
  });

  it('cuts a page of large rows at its byte limit and goes on from there', async () => {
    await using db = await database();
    await asOwner(
      db.ownerUrl,
      `CREATE TABLE people (id int PRIMARY KEY, word text, _millrace_pos bigint)`,
      `INSERT INTO people SELECT i, repeat('x', 1500000), i FROM generate_series(1, 4) i`,
    );
    await using served = await testGateway({ config: gatewayConfig(), postgresUrl: db.appUrl });

    const first = await served.get('/people');
    const second = await served.get(`/people?cursor=${first.next}`);

    expect([ids(first.data), ids(second.data), second.next]).toEqual([[1, 2], [3, 4], null]);
  });

  it('shows only the columns of the manifest when it lists them', async () => {
    await using db = await peopleDatabase();
    const listed = { ...config({ serve: {} }), columns: [{ name: 'id', type: 'bigint' as const }] };
    await using served = await testGateway({ config: listed, postgresUrl: db.appUrl });

    expect((await served.get('/people/1')).text).toBe('{"status":"success","data":{"id":1}}');
  });

  it('is not ready before the table exists, and answers 503 with the reason', async () => {
    await using db = await database();
    await asOwner(db.ownerUrl);
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });

    const list = await served.get('/people');
    const row = await served.get('/people/1');
    const unknown = await served.get('/others');

    expect([list.status, list.code]).toEqual([503, 'NotLoadedYet']);
    expect([row.status, row.code]).toEqual([503, 'NotLoadedYet']);
    expect(unknown.status).toBe(404);
    expect(served.gateway.readiness()).toEqual({
      ready: false,
      dependencies: { postgres: { ok: true }, table: { ok: false, reason: 'NotLoadedYet' } },
    });
    await asOwner(db.ownerUrl, ...people);
    await expect.poll(() => served.gateway.readiness().ready, { timeout: 10_000 }).toBe(true);
    expect((await served.get('/people/1')).status).toBe(200);
  });

  it('answers correctly after a column was dropped under it', async () => {
    await using db = await peopleDatabase();
    await using served = await testGateway({ config: config(), postgresUrl: db.appUrl });
    await asOwner(db.ownerUrl, 'ALTER TABLE people DROP COLUMN score');

    const first = await served.get('/people/1');
    const second = await served.get('/people/1');

    expect([200, 503]).toContain(first.status);
    expect(second.status).toBe(200);
    expect(second.text).not.toContain('score');
  });
});
