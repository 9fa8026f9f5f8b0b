import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { preparedPipeline, type PreparedPipeline } from '../../../test/increment-worker.ts';
import { incrementStreams } from '../../../test/increment-streams.ts';
import { anotherPipeline, pipelineGateway } from '../../../test/pipeline-gateway.ts';
import { batchBytesMax, itemsMax, singleBytesMax } from './parse.ts';

const key = '0b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c40';
const other = '1b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c41';
const one = { key, value: 1 };
const valueMax = '9223372036854775807';

describe.skipIf(lacks('postgres', 'redis'))('the gateway that takes increments', () => {
  let host: PreparedPipeline;

  beforeAll(async () => {
    host = await preparedPipeline();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  describe('POST /increment', () => {
    it('answers 200 with nothing but the name of the entry, and the worker adds it', async () => {
      await using pipeline = await anotherPipeline(host, { durability: 'Fsync' });
      await using gateway = await pipelineGateway(pipeline);
      await using streams = await incrementStreams(pipeline);

      const answer = await gateway.post('/increment', { key: key.toUpperCase(), value: 5 });
      const large = await gateway.post('/increment', `{"value":${valueMax},"key":"${other}"}`);
      streams.startWorker();

      expect([answer.status, answer.text, large.status]).toEqual([200, '', 200]);
      expect(answer.headers.get('content-type')).toBeNull();
      expect(answer.headers.get('millrace-durability')).toBeNull();
      expect(answer.headers.get('millrace-entry')).toMatch(/^[01]-1-\d+-\d+$/);
      await expect
        .poll(() => pipeline.sums(), { timeout: 10_000 })
        .toEqual(
          new Map([
            [key, 5n],
            [other, BigInt(valueMax)],
          ]),
        );
    });

    it('says in each answer that a crash of Redis may take it back, with durability Memory', async () => {
      await using pipeline = await anotherPipeline(host, { durability: 'Memory' });
      await using gateway = await pipelineGateway(pipeline);

      const answers = [
        await gateway.post('/increment', one),
        await gateway.post('/increment', one, { 'idempotency-key': 'a' }),
        await gateway.post('/increments', [one]),
      ];

      expect(answers.map(({ headers }) => headers.get('millrace-durability'))).toEqual([
        'Memory',
        'Memory',
        'Memory',
      ]);
    });

    it('refuses what is no increment with status, code and envelope, and takes nothing', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const badKey = "missing or invalid 'key'";
      const badValue = "missing or invalid 'value'";
      const text = `{"key":"${key}","value":1}`;
      const expected: readonly (readonly [string, number, string, string?])[] = [
        ['', 400, 'BadJson'],
        ['{', 400, 'BadJson'],
        [`[${text}]`, 400, 'BadJson'],
        [text + text, 400, 'BadJson', 'nothing may follow the JSON value'],
        [`{"key":"${key}","key":"${key}","value":1}`, 400, 'DuplicateField'],
        [`{"KEY":"${key}","value":1}`, 400, 'UnknownField'],
        ['{"value":1}', 400, 'BadKey', badKey],
        [`{"key":"{${key}}","value":1}`, 400, 'BadKey', badKey],
        [`{"key":"urn:uuid:${key}","value":1}`, 400, 'BadKey', badKey],
        [`{"key":"${key.replaceAll('-', '')}","value":1}`, 400, 'BadKey', badKey],
        ['{"key":"00000000-0000-0000-0000-000000000000","value":1}', 400, 'BadKey', badKey],
        [`{"key":"${key}"}`, 400, 'BadValue', badValue],
        [`{"key":"${key}","value":0}`, 400, 'BadValue', badValue],
        [`{"key":"${key}","value":1.0}`, 400, 'BadValue', badValue],
        [`{"key":"${key}","value":"1"}`, 400, 'BadValue', badValue],
        [`{"key":"${key}","value":NaN}`, 400, 'BadValue', badValue],
        [`{"key":"${key}","value":9223372036854775808}`, 400, 'BadValue', badValue],
        [text.padEnd(singleBytesMax + 1), 413, 'BodyTooLarge'],
        [text.padEnd(batchBytesMax + 1), 413, 'BodyTooLarge'],
      ];

      for (const [body, status, code, message] of expected) {
        const answer = await gateway.post('/increment', body);

        expect([body.slice(0, 80), answer.status, answer.code]).toEqual([
          body.slice(0, 80),
          status,
          code,
        ]);
        if (message !== undefined) expect(answer.message).toBe(message);
        expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      }
      expect((await gateway.progress()).totals.accepted).toBe(0);
      const metrics = await gateway.metrics.metrics();
      expect(metrics).toContain('millrace_increment_refused_total{code="BadValue"} 6');
    });

    it('answers other paths with 404 and other methods with 405 and what is allowed', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const expected: readonly (readonly [string, string, number, string | null])[] = [
        ['GET', '/increment', 405, 'POST'],
        ['GET', '/increments', 405, 'POST'],
        ['POST', '/counts', 405, 'GET, HEAD'],
        ['POST', `/counts/${key}`, 405, 'GET, HEAD'],
        ['PUT', '/increment', 405, 'GET, HEAD, POST'],
        ['POST', '/', 404, null],
        ['POST', '/increment/', 404, null],
        ['POST', '/INCREMENT', 404, null],
        ['GET', `/counts/${key}/more`, 404, null],
        ['GET', '/other', 404, null],
      ];

      for (const [method, path, status, allow] of expected) {
        const answer = await gateway.request(path, { method });

        expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([
          method,
          path,
          status,
          allow,
        ]);
      }
    });
  });

  describe('POST /increments', () => {
    it('takes an array or lines, up to the most items', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const most = Array.from({ length: itemsMax }, () => one);
      const lines = `${JSON.stringify(one)}\n${JSON.stringify(one)}\n`;

      const array = await gateway.post('/increments', most);
      const ndjson = await gateway.post('/increments', lines, {
        'content-type': 'application/x-ndjson',
      });

      expect([array.status, array.text]).toEqual([
        200,
        `{"status":"success","data":{"accepted":${itemsMax}}}`,
      ]);
      expect([ndjson.status, ndjson.data]).toEqual([200, { accepted: 2 }]);
      expect((await gateway.get(`/counts/${key}?fresh=true`)).data).toMatchObject({
        value: itemsMax + 2,
      });
    });

    it('takes all or nothing, and names the item that is wrong', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const items = Array.from({ length: 2_000 }, () => one);
      const expected: readonly (readonly [object, number, string])[] = [
        [[...items, { key, value: 0 }], 400, "item 2000: missing or invalid 'value'"],
        [[{ value: 1 }, ...items], 400, "item 0: missing or invalid 'key'"],
        [[], 400, 'the body holds no item'],
        [
          Array.from({ length: itemsMax + 1 }, () => one),
          413,
          `item ${itemsMax}: at most ${itemsMax} items are taken in one request`,
        ],
      ];

      for (const [body, status, message] of expected) {
        const answer = await gateway.post('/increments', body);

        expect([answer.status, answer.message]).toEqual([status, message]);
      }
      expect((await gateway.progress()).totals.accepted).toBe(0);
    });
  });

  describe('Idempotency-Key', () => {
    it('counts a repeated request once, and answers it as the first time', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const headers = { 'idempotency-key': 'order-17' };
      const items = [one, { key: other, value: 2 }];

      const first = await gateway.post('/increment', one, headers);
      const again = await gateway.post('/increment', `{ "value": 1, "key": "${key}" }`, headers);
      const batch = await gateway.post('/increments', items, headers);
      const batchAgain = await gateway.post('/increments', items, headers);

      expect([first, again, batch, batchAgain].map(({ status }) => status)).toEqual([
        200, 200, 200, 200,
      ]);
      expect(again.headers.get('millrace-entry')).toBe(first.headers.get('millrace-entry'));
      expect(batchAgain.headers.get('millrace-entry')).toBe(batch.headers.get('millrace-entry'));
      // The same key at another endpoint is another request.
      expect((await gateway.progress()).totals.accepted).toBe(3);
    });

    it('refuses the key of another request with 409', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const headers = { 'idempotency-key': '!~' };
      await gateway.post('/increment', one, headers);

      const answer = await gateway.post('/increment', { key, value: 2 }, headers);

      expect([answer.status, answer.code]).toEqual([409, 'RequestMismatch']);
      expect((await gateway.progress()).totals.accepted).toBe(1);
    });

    it('must be 1 to 255 visible characters, once', async () => {
      await using pipeline = await anotherPipeline(host);
      await using gateway = await pipelineGateway(pipeline);
      const twice: [string, string][] = [
        ['idempotency-key', 'a'],
        ['idempotency-key', 'b'],
      ];

      for (const wrong of ['', 'a b', 'a'.repeat(256), 'caf\u00e9']) {
        const answer = await gateway.post('/increment', one, { 'idempotency-key': wrong });
        expect([answer.status, answer.code]).toEqual([400, 'BadIdempotencyKey']);
      }
      const double = await gateway.request('/increment', {
        method: 'POST',
        body: JSON.stringify(one),
        headers: twice,
      });
      const longest = await gateway.post('/increment', one, { 'idempotency-key': 'a'.repeat(255) });
      expect([double.status, longest.status]).toEqual([400, 200]);
    });

    it('is refused where repetitions are not recognised', async () => {
      await using pipeline = await anotherPipeline(host);
      const { idempotency: _without, ...config } = pipeline.config;
      await using gateway = await pipelineGateway({ ...pipeline, config });

      const answer = await gateway.post('/increment', one, { 'idempotency-key': 'a' });

      expect([answer.status, answer.code]).toEqual([400, 'IdempotencyOff']);
      expect((await gateway.post('/increment', one)).status).toBe(200);
    });
  });

  describe('limits and tokens', () => {
    it('answers a client over its limit with 429, and the others as before', async () => {
      await using pipeline = await anotherPipeline(host, {
        rateLimit: { requests: 3, perMs: 3_600_000, by: 'Client' },
        auth: { mode: 'Tokens' },
      });
      const tokens = 'first:0123456789abcdef\nsecond:fedcba9876543210\n';
      await using gateway = await pipelineGateway(pipeline, { tokens: () => tokens });
      const first = { authorization: 'Bearer 0123456789abcdef' };
      const second = { authorization: 'Bearer fedcba9876543210' };

      const answers = [];
      for (let turn = 0; turn < 5; turn++) {
        answers.push(await gateway.post('/increment', one, first));
      }
      const unaffected = await gateway.post('/increment', one, second);

      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
      expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0);
      expect([answers[4]?.code, unaffected.status]).toEqual(['TooManyRequests', 200]);
    });

    it('counts each distinct key of a request once, with a limit by key', async () => {
      await using pipeline = await anotherPipeline(host, {
        rateLimit: { requests: 2, perMs: 3_600_000, by: 'Key' },
      });
      await using gateway = await pipelineGateway(pipeline);

      const batch = await gateway.post('/increments', [one, one, one]);
      const second = await gateway.post('/increment', one);
      const third = await gateway.post('/increment', one);
      const mixed = await gateway.post('/increments', [{ key: other, value: 1 }, one]);
      const unaffected = await gateway.post('/increment', { key: other, value: 1 });

      expect([batch, second, third, mixed, unaffected].map(({ status }) => status)).toEqual([
        200, 200, 429, 429, 200,
      ]);
      expect((await gateway.progress()).totals.accepted).toBe(5);
    });

    it('asks for a token everywhere when there are tokens, and keeps clients apart by it', async () => {
      await using pipeline = await anotherPipeline(host, { auth: { mode: 'Tokens' } });
      const tokens = 'first:0123456789abcdef\nsecond:fedcba9876543210\n';
      await using gateway = await pipelineGateway(pipeline, { tokens: () => tokens });
      const keyed = (token: string) => ({
        authorization: `Bearer ${token}`,
        'idempotency-key': 'same',
      });

      const without = [
        await gateway.post('/increment', one),
        await gateway.post('/increments', [one], { authorization: 'Bearer 0123456789abcdee' }),
        await gateway.get('/counts'),
        await gateway.get(`/counts/${key}`),
      ];
      const first = await gateway.post('/increment', one, keyed('0123456789abcdef'));
      const second = await gateway.post('/increment', { key, value: 7 }, keyed('fedcba9876543210'));

      expect(without.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
      expect(without[0]?.headers.get('www-authenticate')).toContain('Bearer');
      expect([first.status, second.status]).toEqual([200, 200]);
      expect((await gateway.progress()).totals.accepted).toBe(2);
    });
  });
});
