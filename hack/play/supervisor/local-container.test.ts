import { describe, expect, test } from 'vitest';
import type { Container, Pod } from '../controllers/workload.ts';
import { hostEnvironment, localCommand, localPath, withLocalPorts } from './local-container.ts';

const paths = new Map([
  ['/etc/millrace', '/here/config'],
  ['/etc/millrace/backends', '/here/secret'],
  ['/dev/termination-log', '/here/log'],
]);

describe('localPath', () => {
  test.each([
    ['/etc/millrace/config.json', '/here/config/config.json'],
    ['/etc/millrace/backends', '/here/secret'],
    ['/etc/millrace/backends/POSTGRES_URL', '/here/secret/POSTGRES_URL'],
    ['/dev/termination-log', '/here/log'],
    ['/etc/millraces', '/etc/millraces'],
    ['--file=/etc/millrace', '--file=/etc/millrace'],
    ['plain', 'plain'],
  ])('%s', (value, local) => {
    expect(localPath(value, paths)).toBe(local);
  });
});

const container: Container = {
  name: 'gateway',
  args: ['csv-import', 'gateway', '/etc/millrace/x'],
  env: [
    { name: 'MILLRACE_CONFIG', value: '/etc/millrace/config.json' },
    { name: 'MILLRACE_BIND_ADMIN_PORT', value: '9090' },
    { name: 'MILLRACE_BIND_ADMIN_HOST', value: '0.0.0.0' },
    { name: 'MILLRACE_BIND_OTHER_PORT', value: '1' },
    { name: 'PATH', value: '/of/the/template' },
  ],
  ports: [
    { name: 'admin', containerPort: 9_090 },
    { name: 'http', containerPort: 8_080 },
  ],
  readinessProbe: { httpGet: { port: 9_090 } },
  livenessProbe: { httpGet: { port: 'admin' } },
};

function pod(): Pod {
  const metadata = { name: 'p', namespace: 'default' };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } };
}

test('a container gets local paths, the ports of its spec and only then its own words', async () => {
  let next = 30_000;
  const local = await withLocalPorts(pod(), async () => next++);
  const [main = container] = local.spec.containers;

  const command = localCommand(main, { paths, env: { HOME: '/home', PATH: '/bin' } });

  expect(command.args).toEqual(['csv-import', 'gateway', '/here/config/x']);
  expect(command.env).toEqual({
    HOME: '/home',
    PATH: '/of/the/template',
    MILLRACE_CONFIG: '/here/config/config.json',
    MILLRACE_BIND_ADMIN_PORT: '30000',
    MILLRACE_BIND_ADMIN_HOST: '127.0.0.1',
    MILLRACE_BIND_OTHER_PORT: '1',
  });
  expect(main.ports?.map(({ containerPort }) => containerPort)).toEqual([30_000, 30_001]);
  expect(main.readinessProbe?.httpGet?.port).toBe(30_000);
  expect(main.livenessProbe?.httpGet?.port).toBe('admin');
});

test('nothing of ours and no setting of a driver leaks in from outside', () => {
  const env = {
    PATH: '/bin',
    LC_ALL: 'C',
    LOG_LEVEL: 'debug',
    MILLRACE_X: '1',
    PGHOST: 'x',
    npm_config: '1',
  };

  expect(hostEnvironment(env)).toEqual({ PATH: '/bin', LC_ALL: 'C', LOG_LEVEL: 'debug' });
});
