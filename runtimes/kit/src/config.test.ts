import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { loadConfig, variableName } from './config.ts';

const schema = Type.Object(
  {
    name: Type.String(),
    bind: Type.Object(
      { adminPort: Type.Integer({ maximum: 65_535 }), open: Type.Boolean() },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
const valid = { name: 'users', bind: { adminPort: 9090, open: true } };

function file(content: unknown): string {
  const path = join(mkdtempSync(join(tmpdir(), 'kit-config-')), 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(content: unknown, env: Record<string, string> = {}): unknown {
  return loadConfig(schema, { file: file(content), env, reserved: ['MILLRACE_CONFIG'] });
}

describe('loadConfig', () => {
  test('reads the file as it is when nothing overrides it', () => {
    expect(load(valid, { HOME: '/root', MILLRACE_CONFIG: 'x' })).toEqual(valid);
  });

  test('lets variables override strings, numbers and booleans by their path', () => {
    const env = { MILLRACE_NAME: '42', MILLRACE_BIND_ADMIN_PORT: '0', MILLRACE_BIND_OPEN: 'false' };

    expect(load(valid, env)).toEqual({ name: '42', bind: { adminPort: 0, open: false } });
  });

  test.each([
    [
      'an unknown variable',
      valid,
      { MILLRACE_BIND_PORT: '1' },
      /MILLRACE_BIND_PORT names no configuration key/,
    ],
    ['an unknown key', { ...valid, nmae: 'x' }, {}, /config\.json: \/nmae is not a known key/],
    ['a missing key', { name: 'x' }, {}, /required properties bind/],
    ['a wrong type', { ...valid, name: 4 }, {}, /\/name must be string/],
    [
      'a number that is none',
      valid,
      { MILLRACE_BIND_ADMIN_PORT: 'many' },
      /\/bind\/adminPort must be integer/,
    ],
    [
      'a value out of range',
      valid,
      { MILLRACE_BIND_ADMIN_PORT: '65536' },
      /\/bind\/adminPort must be <= 65535/,
    ],
    ['a file that is no JSON', '{', {}, /cannot be read as JSON/],
  ])('refuses %s and names it', (_what, content, env, message) => {
    expect(() => load(content, env)).toThrow(message);
    expect(() => load(content, env)).toThrow(expect.objectContaining({ code: 'BadConfiguration' }));
  });
});

describe('loadConfig without a file', () => {
  const lists = Type.Object(
    {
      names: Type.Array(Type.String({ pattern: '^[a-z]+$' })),
      bind: Type.Object({ host: Type.String(), port: Type.Integer() }),
    },
    { additionalProperties: false },
  );
  const defaults = { names: [], bind: { host: '127.0.0.1', port: 1 } };

  test('takes defaults, over them variables, and over those what was given as a flag', () => {
    const env = { MILLRACE_BIND_PORT: '2', MILLRACE_BIND_HOST: '::1' };
    const flags = { bind: { port: 3, host: undefined } };

    expect(loadConfig(lists, { env, reserved: [], defaults, flags })).toEqual({
      names: [],
      bind: { host: '::1', port: 3 },
    });
    expect(defaults.bind.port).toBe(1);
  });

  test('lets a variable hold a list of strings', () => {
    const env = { MILLRACE_NAMES: 'a, b' };

    expect(loadConfig(lists, { env, reserved: [], defaults })).toMatchObject({ names: ['a', 'b'] });
    expect(() =>
      loadConfig(lists, { env: { MILLRACE_NAMES: 'A' }, reserved: [], defaults }),
    ).toThrow(/^Configuration: \/names\/0 must match/);
  });
});

test('a camelCase path becomes an upper snake case variable', () => {
  expect(variableName(['source', 'volume', 'mountPath'])).toBe('MILLRACE_SOURCE_VOLUME_MOUNT_PATH');
});
