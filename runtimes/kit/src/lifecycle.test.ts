import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, 'test-programs', 'drain.ts');

async function run(
  mode: string,
  signals: readonly NodeJS.Signals[] = [],
): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [program, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const waiting = [...signals];
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    const signal = /running|draining/.test(data.toString()) ? waiting.shift() : undefined;
    if (signal !== undefined) child.kill(signal);
  });
  const [code] = await once(child, 'close');
  return { code: Number(code), output };
}

describe('a process', () => {
  test('drains on SIGTERM and ends with the code of its work', async () => {
    const { code, output } = await run('drain', ['SIGTERM']);

    expect(code).toBe(0);
    expect(output).toContain('drained');
  });

  test('ends at the grace period when its work does not stop', async () => {
    const { code, output } = await run('stuck', ['SIGTERM']);

    expect(code).toBe(143);
    expect(output).toContain('grace period over');
    expect(output).not.toContain('drained');
  });

  test('ends at once on a second signal', async () => {
    const { code } = await run('deaf', ['SIGTERM', 'SIGINT']);

    expect(code).toBe(70);
  });

  test.each([
    ['finish', 0],
    ['misconfigured', 64],
    ['permanent', 65],
    ['fault', 70],
  ])('that ends by %s exits %i', async (mode, code) => {
    expect((await run(mode)).code).toBe(code);
  });
});
