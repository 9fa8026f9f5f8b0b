/**
 * Runs a pinned Go program: `node hack/bootstrap.mjs hack/tools/main.ts helm lint charts/millrace`.
 * Builds it first when the cache has none. `--path <name>` prints where it is instead.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import { goTool, goToolNames, type GoToolName } from './go-tool.ts';

function isGoTool(name: string | undefined): name is GoToolName {
  return goToolNames.some((known) => known === name);
}

async function pathOf(name: GoToolName): Promise<string> {
  return goTool({ name, env: process.env, log: (line) => console.error(line) });
}

async function main([first, ...rest]: readonly string[]): Promise<number> {
  const isPathWanted = first === '--path';
  const name = isPathWanted ? rest[0] : first;
  if (!isGoTool(name)) {
    console.error(`Usage: main.ts [--path] <name> [arguments…]; names: ${goToolNames.join(', ')}`);
    return 64;
  }
  const program = await pathOf(name);
  if (isPathWanted) {
    console.log(program);
    return 0;
  }
  const child = spawn(program, rest, { stdio: 'inherit' });
  // Ctrl-C reaches the program by itself; this process waits for what it makes of it.
  process.on('SIGINT', () => undefined);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code, signal) =>
    resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  );
  return promise;
}

process.exitCode = await main(process.argv.slice(2));
