#!/usr/bin/env node
/**
 * `kubectl millrace`, once this file is on the PATH under its own name without the ending: kubectl
 * finds plugins by name. Runs in the host's Node where that is new enough to read TypeScript, else in
 * the one that npm has installed beside Millrace. Plain JavaScript that any Node from 14 on can read.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const oldest = [24, 11];

// The link in the PATH says nothing of where Millrace is; the file that it leads to does.
const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const program = join(here, '..', 'src', 'cli', 'main.ts');

const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);

if (isNewEnough) {
  await import(pathToFileURL(program).href);
} else {
  const node = lockedNode();
  if (node === undefined) {
    process.stderr.write(
      `error: kubectl-millrace needs Node ${oldest.join('.')} or newer, and this is ${process.versions.node}.\n` +
        `Install the one that Millrace is tested with: npm ci --prefix ${join(here, '..', '..')}\n`,
    );
    process.exitCode = 64;
  } else {
    run(node);
  }
}

function lockedNode() {
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const node = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(node)) return node;
  }
  return undefined;
}

function run(node) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the child decides what to make of it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 70;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
