/**
 * Says whether this host can run a node, by trying the same things in namespaces that are gone a moment
 * later: what a sandbox forbids cannot be known in another way.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findProgram, lastLines, run } from '../backends/command.ts';
import { makeControlGroup, removeControlGroup } from '../backends/control-group.ts';

const programs = ['unshare', 'nsenter', 'mount', 'ip', 'apt-get', 'dpkg-deb'];
const trialDeadlineMs = 10_000;

/** Each line is one thing that a node does to its own view of the host. */
function trial(folder: string): string {
  const overlay = `lowerdir=/usr,upperdir=${join(folder, 'upper')},workdir=${join(folder, 'work')}`;
  return [
    'set -e',
    `mount -n -t overlay overlay -o "${overlay}" "${join(folder, 'merged')}"`,
    'mount -n -t tmpfs tmpfs /run',
    'ip link add trial0 type veth peer name trial1',
    'ip link add trial2 type bridge',
    '[ -c /dev/kmsg ] || { echo "there is no /dev/kmsg"; exit 1; }',
  ].join('\n');
}

async function tryNamespaces(folder: string): Promise<void> {
  for (const name of ['upper', 'work', 'merged']) await mkdir(join(folder, name));
  const own = ['--mount', '--net', '--pid', '--uts', '--ipc'];
  const rest = ['--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  await run('unshare', [...own, ...rest, '/bin/sh', '-c', trial(folder)], {
    env: process.env,
    timeoutMs: trialDeadlineMs,
  });
}

async function tryControlGroup(): Promise<void> {
  const name = `millrace-trial-${String(process.pid)}`;
  try {
    await makeControlGroup(name);
  } finally {
    await removeControlGroup(name);
  }
}

/** Undefined when it can; otherwise why not, in one line. */
export async function canRunNode(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `a node needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a node needs root';
  for (const name of programs) {
    if ((await findProgram(name, process.env)) === undefined) return `a node needs \`${name}\``;
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-trial-'));
  try {
    await tryNamespaces(folder);
    await tryControlGroup();
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `this host refuses what a node needs: ${lastLines(why, 1)}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
