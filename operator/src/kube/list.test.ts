/** Lists in pages, and what happens when a page is gone. */
import { systemClock } from '@millrace/kit/clock';
import { describe, expect, test } from 'vitest';
import { configMaps } from '../../test/contract/target.ts';
import { createHttpApi } from './http-api.ts';
import {
  fakeServer,
  inTurn,
  json,
  query,
  status,
  type Answer,
  type FakeServer,
} from './test/fake-server.ts';

function page(names: readonly string[], token?: string): Answer {
  const items = names.map((name) => ({ metadata: { namespace: 'team', name } }));
  const metadata = { resourceVersion: '40', ...(token === undefined ? {} : { continue: token }) };
  return json({ kind: 'ConfigMapList', metadata, items });
}

async function list(server: FakeServer, trim?: (given: object) => never) {
  const api = createHttpApi({ connection: server.connection, clock: systemClock });
  const options = { namespace: 'team', ...(trim === undefined ? {} : { trim }) };
  const { items, resourceVersion } = await api.list(configMaps, options);
  return { items, names: items.map(({ metadata }) => metadata.name), resourceVersion };
}

describe('a list', () => {
  test('comes in pages of five hundred, from the store behind the server', async () => {
    await using server = await fakeServer(inTurn(page(['a', 'b'], 'next'), page(['c'])));

    const { items, names, resourceVersion } = await list(server);

    expect(names).toEqual(['a', 'b', 'c']);
    expect(resourceVersion).toBe('40');
    expect(items[2]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    const asked = server.requests.map((request) => Object.fromEntries(query(request)));
    expect(asked).toEqual([{ limit: '500' }, { limit: '500', continue: 'next' }]);
  });

  test('lets other work have its turn between pages', async () => {
    const order: string[] = [];
    await using server = await fakeServer(
      inTurn(page(['a'], 'next'), (request, response) => {
        order.push('second page');
        page(['b'])(request, response);
      }),
    );
    const trim = (given: object) => {
      if (order.length === 0) setImmediate(() => order.push('other work'));
      order.push('trimmed');
      return given as never;
    };

    await list(server, trim);

    expect(order).toEqual(['trimmed', 'other work', 'second page', 'trimmed']);
  });

  test('starts over once when a page is gone', async () => {
    await using server = await fakeServer(
      inTurn(page(['a'], 'next'), status(410, 'Expired'), page(['b'], 'next'), page(['c'])),
    );

    expect((await list(server)).names).toEqual(['b', 'c']);
  });

  test('fails as Gone when it is gone again', async () => {
    const first = page(['a'], 'next');
    const gone = status(410, 'Expired');
    await using server = await fakeServer(inTurn(first, gone, first, gone));

    await expect(list(server)).rejects.toMatchObject({ reason: 'Gone' });
    expect(server.requests).toHaveLength(4);
  });

  test.each([
    ['no list', json({ kind: 'ConfigMap', metadata: { name: 'a' } })],
    ['a list without a version', json({ metadata: {}, items: [] })],
    ['items that are none', json({ metadata: { resourceVersion: '1' }, items: 'none' })],
  ])('that is %s is a failure', async (_what, answer) => {
    await using server = await fakeServer(answer);

    await expect(list(server)).rejects.toMatchObject({
      reason: 'InternalError',
      message: expect.stringContaining('not a list') as string,
    });
  });

  test('of nothing may be null', async () => {
    await using server = await fakeServer(
      json({ metadata: { resourceVersion: '1' }, items: null }),
    );

    expect((await list(server)).items).toEqual([]);
  });
});
