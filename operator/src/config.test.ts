import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.ts';
import { readConfig, type Config } from './config.ts';

function file(content: object): string {
  const path = join(mkdtempSync(join(tmpdir(), 'operator-config-')), 'config.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function read(args: readonly string[], env: NodeJS.ProcessEnv = {}): Config {
  const given = parseArguments(args);
  if (given === undefined) throw new Error('help was printed');
  return readConfig(given, env);
}

const image = ['--runtime-image', 'runtimes:1'];

describe('the configuration of the operator', () => {
  it('needs no more than an image, and has the timings of other controllers', () => {
    expect(read(image)).toMatchObject({
      runtimeImage: 'runtimes:1',
      namespaces: [],
      leaderElection: { enabled: true, leaseDurationMs: 15_000 },
      admin: { host: '127.0.0.1', port: 9_090 },
    });
  });

  it('takes a flag before a variable, and a variable before the file', () => {
    const config = file({
      runtimeImage: 'from-file',
      namespaces: ['a'],
      admin: { host: '::1', port: 1 },
      leaderElection: { name: 'mine', retryPeriodMs: 100 },
    });
    const env = {
      MILLRACE_RUNTIME_IMAGE: 'from-variable',
      MILLRACE_ADMIN_PORT: '2',
      MILLRACE_NAMESPACES: 'b,c',
      LOG_LEVEL: 'debug',
    };

    expect(read(['--config', config, '--admin-port', '0'], env)).toMatchObject({
      runtimeImage: 'from-variable',
      namespaces: ['b', 'c'],
      logLevel: 'debug',
      admin: { host: '::1', port: 0 },
      leaderElection: { enabled: true, name: 'mine', retryPeriodMs: 100, renewDeadlineMs: 10_000 },
    });
  });

  it('reads every flag', () => {
    const args = ['--namespace', 'a', '--namespace', 'b', '--kubeconfig', 'k', '--context', 'c'];
    const more = ['--no-leader-election', '--lease-namespace', 'l', '--admin-host', '0.0.0.0'];

    expect(read([...image, ...args, ...more, '--log-level', 'warn'])).toMatchObject({
      namespaces: ['a', 'b'],
      kubeconfig: 'k',
      context: 'c',
      leaderElection: { enabled: false, namespace: 'l' },
      admin: { host: '0.0.0.0' },
      logLevel: 'warn',
    });
    expect(read([...image, '--all-namespaces'], { MILLRACE_NAMESPACES: 'a' })).toMatchObject({
      namespaces: [],
    });
  });

  it.each([
    ['no image', [], {}, /--runtime-image/],
    ['an unknown flag', ['--runtime-imgae', 'x'], {}, /unknown option.*--help/s],
    ['a word that belongs to no flag', [...image, 'start'], {}, /too many arguments/],
    ['a port that is none', [...image, '--admin-port', 'http'], {}, /0 to 65535/],
    ['a port out of range', [...image, '--admin-port', '70000'], {}, /admin\/port/],
    ['a namespace that cannot exist', [...image, '--namespace', 'A_b'], {}, /namespaces\/0/],
    ['both scopes', [...image, '--namespace', 'a', '--all-namespaces'], {}, /exclude each other/],
    ['an unknown variable', image, { MILLRACE_LEASE: 'x' }, /MILLRACE_LEASE names no/],
    ['an unknown log level', image, { LOG_LEVEL: 'loud' }, /logLevel/],
    [
      'timings by which two could lead at once',
      image,
      { MILLRACE_LEADER_ELECTION_RENEW_DEADLINE_MS: '15000' },
      /renewDeadlineMs < leaseDurationMs/,
    ],
  ])('refuses %s, and says what to do', (_what, args, env, message) => {
    expect(() => read(args, env)).toThrow(message);
    expect(() => read(args, env)).toThrow(expect.objectContaining({ code: 'BadConfiguration' }));
  });
});
