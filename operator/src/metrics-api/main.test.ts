import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function started(...args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: '/nowhere' };
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
}

// Loading the program is most of it, on a host that does much else.
describe('the metrics API as a process', { timeout: 90_000 }, () => {
  it('says how it is started', () => {
    const { status, stdout } = started('--help');

    expect(status).toBe(0);
    expect(stdout).toContain('millrace-workers-needed');
    expect(stdout).toContain('operator/deploy/metrics-api.yaml');
  });

  it('ends with 64 and one line when there is no cluster to connect to', () => {
    const { status, stderr } = started('--service', 'metrics', '--kubeconfig', '/nowhere/config');

    expect(status).toBe(64);
    expect(stderr).toMatch(/^metrics-api: [^\n]*\/nowhere\/config[^\n]*\n$/);
  });
});
