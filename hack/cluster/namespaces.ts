/**
 * The namespaces of a node: mounts, network, processes, host name and shared memory of its own, held
 * by one process whose end is the end of everything in them. They see the host's files, but for
 * Debian's programs laid over /usr and fresh /run, /var/lib and /var/log.
 *
 * Nothing of it can be seen from the host but one network link and one control group; both are named
 * in the record before the first process starts.
 */
import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Command } from '../backends/backend.ts';
import { run } from '../backends/command.ts';
import { joinFiles, makeControlGroup } from '../backends/control-group.ts';
import { isAlive } from '../backends/process-identity.ts';
import type { RunningProcess } from '../backends/server-folder.ts';
import {
  nodeName,
  nodeNetwork,
  nodeNumbersMax,
  type Network,
  type NodeNetwork,
} from './network.ts';

/** The first process in the namespaces, by its pid on the host. */
export interface Inside {
  readonly pid: number;
  readonly network: Network & { readonly node: NodeNetwork };
}

/** Where a shell or program in the namespaces finds the rest; the user's own PATH means nothing there. */
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const kinds = ['--mount', '--net', '--pid', '--uts', '--ipc'];
const holderDeadlineMs = 10_000;
const pollMs = 5;

/** Where the node sees its own files in place of the host's. */
export const ownFolders: readonly string[] = ['/usr', '/run', '/var/lib', '/var/log'];

/** kubelet sets these for the whole host; it gets files to write to that mean nothing. */
const hostSettings: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Takes the lowest number that no other node on this host has, by making its control group. */
export async function takeNumber(): Promise<Network & { readonly node: NodeNetwork }> {
  for (let number = 0; number < nodeNumbersMax; number++) {
    const network = nodeNetwork(number);
    if (await makeControlGroup(network.node.controlGroup)) return network;
  }
  throw new Error(
    `all ${String(nodeNumbersMax)} node numbers are taken; look for /sys/fs/cgroup/**/millrace-node-*`,
  );
}

/** A command that is in the control group from its first moment, and so is all that it starts. */
async function inGroup(command: Command, node: NodeNetwork): Promise<Command> {
  const files = await joinFiles(node.controlGroup);
  const script = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"';
  return {
    ...command,
    file: '/bin/sh',
    args: ['-c', script, 'sh', ...files, '--', command.file, ...command.args],
    env: { PATH: path, ...command.env },
  };
}

/** The holder of the namespaces: `unshare` outside, and inside it a process that waits and reaps. */
export async function holder(network: NodeNetwork, pause: string, root: string): Promise<Command> {
  const rest = ['--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  const command = {
    role: 'node',
    file: 'unshare',
    args: [...kinds, ...rest, '--', pause],
    env: {},
    cwd: root,
    stopSignals: [],
  };
  return inGroup(command, network);
}

const entering = (pid: number): readonly string[] => [`--target=${String(pid)}`, ...kinds];

/** The same program, but in the namespaces; it ends with them. */
export async function inside(command: Command, { pid, network }: Inside): Promise<Command> {
  const args = [...entering(pid), '--', command.file, ...command.args];
  return inGroup({ ...command, file: 'nsenter', args }, network.node);
}

/** Runs a command in the namespaces to its end; resolves to its output. */
export async function runInside(
  pid: number,
  args: readonly string[],
  options: {
    readonly inputFile?: string;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string> {
  const { inputFile = '/dev/null', ...rest } = options;
  const entered = ['nsenter', ...entering(pid), '--', ...args];
  const script = 'input=$1; shift; exec "$@" < "$input"';
  return run('/bin/sh', ['-c', script, 'sh', inputFile, ...entered], {
    env: { PATH: path },
    ...rest,
  });
}

async function firstChild(pid: number): Promise<number | undefined> {
  const text = String(pid);
  const children = await readFile(`/proc/${text}/task/${text}/children`, 'utf8').catch(() => '');
  const child = Number(children.trim().split(' ')[0]);
  if (!Number.isInteger(child) || child === 0) return undefined;
  // Before it is the holder it is a copy of unshare, which still has namespaces to arrange.
  const name = await readFile(`/proc/${String(child)}/comm`, 'utf8').catch(() => '');
  return name.trim() === 'pause' ? child : undefined;
}

/** The pid, on the host, of the first process in the namespaces. */
export async function insidePid(started: RunningProcess): Promise<number> {
  const deadline = Date.now() + holderDeadlineMs;
  for (;;) {
    const pid = await firstChild(started.pid);
    if (pid !== undefined) return pid;
    if (!isAlive(started)) throw new Error('the namespaces could not be made');
    if (Date.now() > deadline) throw new Error('the namespaces are not ready in time');
    await delay(pollMs);
  }
}

export interface Mounts {
  /** The unpacked Debian packages. */
  readonly packages: string;
  /** The node's own folder on the host. */
  readonly folder: string;
}

/** A word for the shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function mountLines({ packages, folder }: Mounts): readonly string[] {
  // Without -n mount would write into the host's /run.
  const overlay = (place: string, options: string): string =>
    `mount -n -t overlay overlay -o ${quoted(options)} ${place}`;
  const upper = join(folder, 'var-lib');
  const work = join(folder, 'var-work');
  const bind = (name: string, place: string): string =>
    `mkdir -p ${place}; mount -n --bind ${quoted(join(folder, name))} ${place}`;
  const settings = Object.keys(hostSettings).map(
    (name) =>
      `[ ! -e /proc/sys/${name} ] || mount -n --bind ${quoted(join(folder, 'sysctl', name))} /proc/sys/${name}`,
  );
  return [
    'mount -n --make-rshared /',
    overlay('/usr', `lowerdir=${join(packages, 'usr')}:/usr`),
    overlay('/var/lib', `lowerdir=/var/lib,upperdir=${upper},workdir=${work}`),
    'mount -n -t tmpfs tmpfs /run',
    'mount -n -t tmpfs tmpfs /var/log',
    // Where they usually are: sockets below a long path could not be opened.
    bind('kubelet', '/var/lib/kubelet'),
    bind('containerd', '/var/lib/containerd'),
    ...settings,
  ];
}

function networkLines({ address, node }: Inside['network']): readonly string[] {
  return [
    `hostname ${nodeName}`,
    'ip link set lo up',
    `ip address add ${address}/30 dev eth0`,
    'ip link set eth0 up',
    `ip route add default via ${node.hostAddress}`,
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter',
    'bridge=/proc/sys/net/bridge/bridge-nf-call-iptables',
    '[ ! -e $bridge ] || echo 1 > $bridge',
  ];
}

async function linkHost({ pid, network }: Inside): Promise<void> {
  const { link, hostAddress, podRange } = network.node;
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)];
  const ip = async (...args: readonly string[]): Promise<string> =>
    run('ip', args, { env: process.env });
  await ip('link', 'add', link, ...peer);
  await ip('address', 'add', `${hostAddress}/30`, 'dev', link);
  await ip('link', 'set', link, 'up');
  for (const range of [network.serviceRange, podRange]) {
    await ip('route', 'add', range, 'via', network.address);
  }
}

/** Links it with the host, and makes inside what a node expects of its host. */
export async function furnish(into: Inside, mounts: Mounts): Promise<void> {
  for (const name of ['var-lib', 'var-work', 'kubelet', 'containerd']) {
    await mkdir(join(mounts.folder, name), { recursive: true });
  }
  for (const [name, value] of Object.entries(hostSettings)) {
    const file = join(mounts.folder, 'sysctl', name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, `${value}\n`);
  }
  await linkHost(into);
  const lines = ['set -eu', ...mountLines(mounts), ...networkLines(into.network)];
  await runInside(into.pid, ['/bin/sh', '-c', lines.join('\n')]);
}
