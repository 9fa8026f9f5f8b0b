import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readExposition } from '../test/exposition.ts';
import { operatorProcess, until } from '../test/operator-process.ts';

/** A kubeconfig for a server that is not there: nothing listens on the first port. */
function kubeconfig(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'operator-kubeconfig-')), 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: { token: 'a-secret-token' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const image = ['--runtime-image', 'millrace-runtimes:test'];

describe('the operator as a process', () => {
  it('explains itself', async () => {
    await using operator = operatorProcess(['--help']);

    expect(await operator.ended).toMatchObject({ code: 0 });
    for (const word of ['--runtime-image', '--namespace', '/readyz', 'operator/deploy', '64']) {
      expect(operator.text()).toContain(word);
    }
  });

  it.each([
    ['no image', [], /--runtime-image/],
    ['a kubeconfig that is not there', [...image, '--kubeconfig', '/no/such'], /\/no\/such/],
    ['a context that is not in it', [...image, '--context', 'nowhere'], /nowhere/],
  ])('ends with 64 and one line for %s', async (_what, args, message) => {
    const more = args.includes('--kubeconfig') ? [] : ['--kubeconfig', kubeconfig()];
    await using operator = operatorProcess([...args, ...more]);

    expect(await operator.ended).toMatchObject({ code: 64 });
    expect(operator.text()).toMatch(message);
    expect(operator.text().trim().split('\n')).toHaveLength(1);
  });

  it('ends with 64 when the admin port is taken, and says how to choose another', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { readonly port: number };
    const args = [...image, '--kubeconfig', kubeconfig(), '--admin-port', String(port)];
    await using operator = operatorProcess(args);

    expect(await operator.ended).toMatchObject({ code: 64 });
    expect(operator.text()).toContain('--admin-port');
    server.close();
  });

  it('waits for an API server that is away, says so at /readyz, and ends when told to', async () => {
    await using operator = operatorProcess([...image, '--kubeconfig', kubeconfig()]);

    const reason = await until(
      async () => {
        const { status, body } = await operator.ask('/readyz');
        expect(status).toBe(503);
        return /does not answer/.exec(body)?.[0];
      },
      () => 'the reason',
    );
    const live = await operator.ask('/livez');
    const metrics = readExposition((await operator.ask('/metrics')).body);
    operator.kill('SIGTERM');

    expect(reason).toBe('does not answer');
    expect(live).toEqual({ status: 200, body: 'ok\n' });
    expect(metrics.get('millrace_operator_api_calls_total')?.samples[0]?.labels).toEqual(
      new Map([
        ['verb', 'get'],
        ['resource', 'customresourcedefinitions'],
        ['code', 'failed'],
      ]),
    );
    expect(await operator.ended).toEqual({ code: 0, signal: null });
    expect(operator.lines().filter(({ msg }) => msg === 'waiting')).toHaveLength(1);
    expect(operator.text()).not.toContain('a-secret-token');
  });
});
