import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/manual-clock.ts';
import { issue } from '../certificates/issue.ts';
import { Callers } from './callers.ts';
import { ExpiringCache } from './expiring-cache.ts';
import { frontProxyTrust, type FrontProxyTrust } from './front-proxy.ts';
import { createReviews, type Review } from './reviews.ts';
import type { User } from './user.ts';

const jane: User = { username: 'jane', groups: ['team', 'system:authenticated'], extra: {} };

describe('what a cluster says of its front proxy', () => {
  let authority: string;
  beforeAll(async () => {
    const options = { names: ['a'], now: Date.parse('2030-01-01T00:00:00Z'), lifeMs: 86_400_000 };
    ({ authority } = await issue(options));
  });

  const config = (changes: Readonly<Record<string, string | undefined>> = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data: {
      'requestheader-client-ca-file': authority,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      ...changes,
    },
  });

  it('is read with header names as HTTP has them', () => {
    expect(frontProxyTrust(config())).toEqual({
      authorities: authority,
      allowedNames: ['front-proxy-client'],
      userHeaders: ['x-remote-user'],
      uidHeaders: ['x-remote-uid'],
      groupHeaders: ['x-remote-group'],
      extraPrefixes: ['x-remote-extra-'],
    });
  });

  it.each([
    ['there is no such ConfigMap', undefined],
    ['there is no authority', { 'requestheader-client-ca-file': undefined }],
    ['the authority is no certificate', { 'requestheader-client-ca-file': 'none' }],
    ['the names cannot be read', { 'requestheader-allowed-names': '["front-proxy-client"' }],
    ['the names are no list', { 'requestheader-allowed-names': '"any"' }],
    ['no header is for the user', { 'requestheader-username-headers': '[]' }],
  ])('is nothing to be trusted when %s', (_what, changes) => {
    const given = changes === undefined ? undefined : config(changes);

    expect(frontProxyTrust(given)).toBeUndefined();
  });

  it('is nothing when one certificate of several cannot be read', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const changes = { 'requestheader-client-ca-file': `${authority}${broken}` };

    expect(frontProxyTrust(config(changes))).toBeUndefined();
  });
});

describe('who a request comes from', () => {
  const trust: FrontProxyTrust = {
    authorities: '',
    allowedNames: ['front-proxy-client'],
    userHeaders: ['x-remote-user'],
    uidHeaders: ['x-remote-uid'],
    groupHeaders: ['x-remote-group'],
    extraPrefixes: ['x-remote-extra-'],
  };
  const userOf = async (token: string) =>
    await Promise.resolve(token === 'good' ? jane : undefined);
  const callers = (given: FrontProxyTrust | undefined = trust) =>
    new Callers({ trust: () => given, reviews: { userOf } });
  const headers = {
    'x-remote-user': ['admin'],
    'x-remote-group': ['system:masters', 'with, comma'],
    'x-remote-uid': ['7'],
    'x-remote-extra-acme.org%2froute': ['a', 'b'],
  };
  const proxy = { commonName: 'front-proxy-client' };
  const nobody = { commonName: undefined };

  it('is whom the proxy names, with groups, uid and extra', async () => {
    expect(await callers().callerOf(headers, proxy)).toEqual({
      username: 'admin',
      uid: '7',
      groups: ['system:masters', 'with, comma', 'system:authenticated'],
      extra: { 'acme.org/route': ['a', 'b'] },
    });
  });

  it('is not in any group that a proxy did not name when it is anonymous', async () => {
    const anonymous = {
      'x-remote-user': ['system:anonymous'],
      'x-remote-group': ['system:unauthenticated'],
    };

    const caller = await callers().callerOf(anonymous, proxy);

    expect(caller?.groups).toEqual(['system:unauthenticated']);
  });

  it('is nobody by headers alone, by another certificate, or while no proxy is trusted', async () => {
    expect(await callers().callerOf(headers, nobody)).toBeUndefined();
    expect(await callers().callerOf(headers, { commonName: 'kubelet' })).toBeUndefined();
    const untrusting = new Callers({ trust: () => undefined, reviews: { userOf } });
    expect(await untrusting.callerOf(headers, proxy)).toBeUndefined();
  });

  it('is anybody with a certificate of the authority where no names are listed', async () => {
    const any = callers({ ...trust, allowedNames: [] });

    expect(await any.callerOf(headers, { commonName: 'kubelet' })).toMatchObject({
      username: 'admin',
    });
  });

  it('is the owner of the token, whatever else the headers say', async () => {
    const authorization = ['Bearer good'];

    expect(await callers().callerOf({ ...headers, authorization }, nobody)).toEqual(jane);
    expect(await callers().callerOf({ authorization: ['bearer bad'] }, nobody)).toBeUndefined();
    expect(await callers().callerOf({ authorization: ['Basic good'] }, nobody)).toBeUndefined();
  });

  it('is the owner of the token when a proxy names nobody', async () => {
    const authorization = ['Bearer good'];

    expect(await callers().callerOf({ authorization }, proxy)).toEqual(jane);
  });
});

describe('reviews', () => {
  const action = { verb: 'get', path: '/apis' };

  function asked(answer: (review: Review) => unknown) {
    const clock = new ManualClock();
    const sent: Review[] = [];
    const reviews = createReviews(async (review) => {
      sent.push(review);
      return await Promise.resolve(answer(review));
    }, clock);
    return { clock, sent, reviews };
  }

  it('ask for a token once in ten seconds, and take what cannot be read for nobody', async () => {
    const user = { username: 'jane', groups: ['team'] };
    const { clock, sent, reviews } = asked(() => ({ authenticated: true, user }));

    expect(await reviews.userOf('secret')).toEqual({ ...user, extra: {} });
    await clock.advance(9_999);
    await reviews.userOf('secret');
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    await reviews.userOf('secret');
    await reviews.userOf('another');

    expect(sent.map(({ spec }) => spec)).toEqual([
      { token: 'secret' },
      { token: 'secret' },
      { token: 'another' },
    ]);
    for (const answer of [undefined, {}, { authenticated: true }, { authenticated: 'yes', user }]) {
      expect(await asked(() => answer).reviews.userOf('secret')).toBeUndefined();
    }
  });

  it.each([
    ['a permission', { allowed: true }, true, 30_000],
    ['a refusal', { allowed: false }, false, 10_000],
    ['a denial', { allowed: true, denied: true }, false, 10_000],
    ['an answer that cannot be read', undefined, false, 10_000],
  ])('keep %s for its time', async (_what, answer, allowed, keptMs) => {
    const { clock, sent, reviews } = asked(() => answer);

    expect(await reviews.isAllowed(jane, action)).toBe(allowed);
    await clock.advance(keptMs - 1);
    await reviews.isAllowed(jane, action);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    await reviews.isAllowed(jane, action);

    expect(sent).toHaveLength(2);
  });

  it('tell users, groups and actions apart', async () => {
    const { sent, reviews } = asked(() => ({ allowed: true }));
    const others: readonly User[] = [
      jane,
      { ...jane, username: 'john' },
      { ...jane, groups: ['team', 'admins'] },
      { ...jane, extra: { scope: ['all'] } },
      { ...jane, uid: '1' },
    ];

    for (const user of others) await reviews.isAllowed(user, action);
    await reviews.isAllowed(jane, { verb: 'get', path: '/api' });
    await reviews.isAllowed(jane, {
      verb: 'list',
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      resource: 'millrace-workers-needed',
      namespace: 'team-a',
    });

    expect(sent).toHaveLength(7);
    expect(sent[0]?.spec).toEqual({
      user: 'jane',
      groups: jane.groups,
      extra: {},
      nonResourceAttributes: action,
    });
    expect(sent[6]?.spec).toMatchObject({ resourceAttributes: { namespace: 'team-a' } });
  });
});

describe('a cache of answers that run out', () => {
  it('asks once for many that want the same, and again after a failure', async () => {
    const cache = new ExpiringCache<number>(new ManualClock(), 10);
    let asks = 0;
    const ask = async () => {
      asks++;
      if (asks === 1) throw new Error('away');
      return await Promise.resolve({ value: asks, keepMs: 1_000 });
    };

    const first = await Promise.allSettled([cache.get('a', ask), cache.get('a', ask)]);
    const second = await Promise.all([cache.get('a', ask), cache.get('a', ask)]);

    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(second).toEqual([2, 2]);
  });

  it('holds no more than its bound, and drops the oldest', async () => {
    const cache = new ExpiringCache<string>(new ManualClock(), 3);
    const get = async (key: string, value: string) =>
      await cache.get(key, async () => await Promise.resolve({ value, keepMs: 60_000 }));

    for (const key of ['a', 'b', 'c', 'd']) await get(key, 'first');

    expect(cache.size).toBe(3);
    expect([await get('a', 'again'), await get('d', 'again')]).toEqual(['again', 'first']);
  });
});
