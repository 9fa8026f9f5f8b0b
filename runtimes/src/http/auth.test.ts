import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { createAuth, type Auth } from './auth.ts';

const ann = 'ann-token-0123456789';
const bob = 'bob-token-0123456789';

interface Scene {
  readonly auth: Auth;
  write(text: string | undefined): void;
  /** The name, or what is thrown. */
  calling(authorization: string | undefined): unknown;
}

function scene(initial: string | undefined): Scene {
  let text = initial;
  let now = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: () => Promise.resolve(),
  };
  const auth = createAuth({ mode: 'Tokens', tokens: () => text, clock });
  return {
    auth,
    write: (changed) => {
      text = changed;
      now += 1_000;
    },
    calling: (authorization) => {
      try {
        return auth.authenticate(authorization === undefined ? {} : { authorization });
      } catch (error) {
        return error;
      }
    },
  };
}

const refused = (challenge: string) =>
  expect.objectContaining({
    status: 401,
    code: 'Unauthorized',
    headers: { 'www-authenticate': challenge },
  });
const invalid = refused('Bearer realm="millrace", error="invalid_token"');

describe('bearer tokens', () => {
  it('give the name that is listed with them', () => {
    const it = scene(`# people\n\n ann:${ann} \r\nbob:${bob}==\n`);

    expect(it.calling(`Bearer ${ann}`)).toBe('ann');
    expect(it.calling(`bearer  ${bob}==`)).toBe('bob');
    expect(it.auth.problem()).toBeUndefined();
  });

  it('give the scope reveal to those alone that are listed with it', () => {
    const it = scene(`ann:${ann}:reveal\nbob:${bob}\neve:${ann}x:admin`);
    const scopes = (token: string) => [
      ...(it.auth.identify({ authorization: `Bearer ${token}` })?.scopes ?? []),
    ];

    expect(scopes(ann)).toEqual(['reveal']);
    expect(it.calling(`Bearer ${ann}`)).toBe('ann');
    expect(scopes(bob)).toEqual([]);
    expect(it.calling(`Bearer ${ann}x`)).toEqual(invalid);
    expect(it.auth.problem()).toContain('line 3');
  });

  it('are asked for when there is none, and refused when they are not listed', () => {
    const it = scene(`ann:${ann}`);

    expect(it.calling(undefined)).toEqual(refused('Bearer realm="millrace"'));
    for (const text of [`Bearer ${bob}`, `Basic ${ann}`, `Bearer ${ann} x`, 'Bearer ', ann, '']) {
      expect(it.calling(text)).toEqual(invalid);
    }
  });

  it('are never found by a prefix, a suffix or another case', () => {
    const it = scene(`ann:${ann}`);

    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.nat(ann.length - 1), (text, cut) => {
        fc.pre(text !== ann);
        expect(it.calling(`Bearer ${text}`)).toEqual(invalid);
        expect(it.calling(`Bearer ${ann.slice(0, cut)}`)).toEqual(invalid);
      }),
    );
    expect(it.calling(`Bearer ${ann.toUpperCase()}`)).toEqual(invalid);
  });

  it('follow the list as it changes, two of one name side by side', () => {
    const it = scene(`ann:${ann}`);

    it.write(`ann:${ann}\nann:${bob}`);
    expect([it.calling(`Bearer ${ann}`), it.calling(`Bearer ${bob}`)]).toEqual(['ann', 'ann']);
    it.write(`ann:${bob}`);

    expect(it.calling(`Bearer ${ann}`)).toEqual(invalid);
    expect(it.calling(`Bearer ${bob}`)).toBe('ann');
  });

  it.each([
    ['missing', undefined],
    ['empty', '# nobody'],
    ['too long', `ann:${ann}\n${'#'.repeat(1024 * 1024)}`],
  ])('let nobody in while the list is %s, and say 503', (_what, text) => {
    const it = scene(`ann:${ann}`);
    it.calling(`Bearer ${ann}`);

    it.write(text);

    expect(it.calling(`Bearer ${ann}`)).toBeInstanceOf(Transient);
    expect(it.auth.problem()).toMatch(/TOKENS/);
  });

  it('tell which line is unusable, without a word of it, and take the others', () => {
    const it = scene(`ann:${ann}\nbob:short\n${bob}\na b:${bob}\neve:${ann}\nbob:${bob}`);

    expect(it.auth.problem()).toMatch(/4 unusable lines, the first is line 2/);
    expect(it.auth.problem()).not.toMatch(/short|bob|token-/);
    expect(it.calling(`Bearer ${ann}`)).toBe('ann');
    expect(it.calling(`Bearer ${bob}`)).toBe('bob');
  });

  it('are not asked for in mode None', () => {
    const auth = createAuth({
      mode: 'None',
      tokens: () => undefined,
      clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() },
    });

    expect(auth.authenticate({ authorization: 'Bearer x' })).toBeUndefined();
  });
});
