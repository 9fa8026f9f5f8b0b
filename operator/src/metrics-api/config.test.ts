import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.ts';
import { defaults, readConfig } from './config.ts';

function config(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const given = parseArguments(args);
  if (given === undefined) throw new Error('the arguments ask for help');
  return readConfig(given, env);
}

describe('the configuration of the metrics API', () => {
  it('needs the name of the Service and has defaults for all else', () => {
    expect(config(['--service', 'metrics'])).toEqual({ ...defaults, service: 'metrics' });
  });

  it('takes flags over variables, and variables over the file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'metrics-api-config-')), 'config.json');
    writeFileSync(file, JSON.stringify({ service: 'a', servicePort: 1, drainDelayMs: 1 }));
    const env = { MILLRACE_SERVICE_PORT: '2', MILLRACE_DRAIN_DELAY_MS: '2' };

    const flags = ['--config', file, '--service-port', '3', '--watch-namespace', 'team-a'];

    expect(config([...flags, '--watch-namespace', 'team-b'], env)).toMatchObject({
      service: 'a',
      servicePort: 3,
      drainDelayMs: 2,
      namespaces: ['team-a', 'team-b'],
    });
  });

  it.each([
    ['no Service', [], {}, 'Which Service leads here'],
    ['a Service that cannot be one', ['--service', 'Not.One'], {}, 'Which Service leads here'],
    ['a port that is none', ['--service', 'a', '--port', 'x'], {}, 'A port is a number'],
    ['an unknown flag', ['--service', 'a', '--tls'], {}, '--help shows what there is'],
    ['an unknown variable', ['--service', 'a'], { MILLRACE_SECRETS: 'a' }, 'MILLRACE_SECRETS'],
    [
      'a delay that is longer than the drain',
      ['--service', 'a'],
      { MILLRACE_DRAIN_DELAY_MS: '30000' },
      'drainDelayMs',
    ],
  ])('refuses %s, and says so', (_what, args, env, message) => {
    expect(() => config(args, env)).toThrow(message);
  });
});
