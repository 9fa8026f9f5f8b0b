/** What a node could leave on its host, by looking everywhere it could be. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from '../../backends/command.ts';
import { identify, isAlive, type ProcessIdentity } from '../../backends/process-identity.ts';
import type { Remnants } from '../../backends/remnants.ts';

const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/rp_filter',
  'net/ipv4/conf/all/route_localnet',
  'net/netfilter/nf_conntrack_max',
];
const folders = ['/', '/etc', '/opt', '/run', '/var/lib', '/var/log', '/usr/libexec', '/root'];
const links = '/sys/class/net';
const controlGroups = '/sys/fs/cgroup';
const kinds = ['mnt', 'net', 'pid', 'uts', 'ipc'];
/** Names that only the programs of a node give; other tests of the host may add what they like. */
const own = /kube|containerd|cni|runc|millrace|calico|flannel|netns/;

/** Of the host itself, and the same whichever other clusters run. */
export async function hostState(): Promise<unknown> {
  const values = settings.map(async (name) =>
    readFile(join('/proc/sys', name), 'utf8').catch(() => 'absent'),
  );
  const names = folders.map(async (folder) =>
    (await readdir(folder).catch((): string[] => [])).filter((name) => own.test(name)),
  );
  return {
    settings: await Promise.all(values),
    names: await Promise.all(names),
    rules: await run('ip', ['rule'], { env: process.env }),
  };
}

async function everyProcess<T>(look: (folder: string) => Promise<T>): Promise<readonly T[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found: T[] = [];
  for (const pid of pids) {
    // Processes end while they are looked at.
    await look(join('/proc', pid)).then(
      (value) => found.push(value),
      () => undefined,
    );
  }
  return found;
}

/** The processes of the host that live now. */
export async function livingProcesses(): Promise<readonly ProcessIdentity[]> {
  const found = await everyProcess(async (folder) => identify(Number(folder.slice(6))));
  return found.filter((process) => process !== undefined);
}

/** The identities of the namespaces of that process, such as `net:[4026532256]`. */
export async function namespacesOf(pid: number): Promise<readonly string[]> {
  return Promise.all(kinds.map(async (kind) => readlink(`/proc/${String(pid)}/ns/${kind}`)));
}

/** What tells a link or a group from a later one of the same name; undefined when there is none. */
async function markOf(path: string): Promise<string | undefined> {
  const isLink = path.startsWith(links);
  const mark = isLink
    ? readFile(join(path, 'ifindex'), 'utf8')
    : stat(path).then(({ ino }) => String(ino));
  return mark.catch(() => undefined);
}

async function pathsOf({ controlGroup, link }: Remnants): Promise<readonly string[]> {
  const groups = await readdir(controlGroups);
  return [
    join(links, link),
    join(controlGroups, controlGroup),
    ...groups.map((name) => join(controlGroups, name, controlGroup)),
  ];
}

/** Taken while the node is there: another may have its names a moment after its end. */
export async function marksOf(remnants: Remnants): Promise<ReadonlyMap<string, string>> {
  const marks = new Map<string, string>();
  for (const path of await pathsOf(remnants)) {
    const mark = await markOf(path);
    if (mark !== undefined) marks.set(path, mark);
  }
  return marks;
}

export interface Left {
  readonly remnants: Remnants;
  /** Without them whoever has the names counts. */
  readonly marks?: ReadonlyMap<string, string>;
  readonly namespaces: readonly string[];
  /**
   * Those that lived before the end. The kernel gives an identity of a namespace away again, so that of
   * a younger process says nothing; and what the node itself started since then is in its group.
   */
  readonly witnesses: readonly ProcessIdentity[];
  /** The cluster's folder. */
  readonly root: string;
}

/** One line for each thing that is still there. */
export async function tracesOf(left: Left): Promise<readonly string[]> {
  const { remnants, marks, namespaces, witnesses, root } = left;
  const traces: string[] = [];
  for (const path of await pathsOf(remnants)) {
    const mark = await markOf(path);
    if (mark !== undefined && (marks === undefined || marks.get(path) === mark)) traces.push(path);
  }
  if (traces.includes(join(links, remnants.link))) {
    const routes = await run('ip', ['route'], { env: process.env });
    traces.push(...routes.split('\n').filter((line) => line.split(' ').includes(remnants.link)));
  }
  const used = new Set<string>();
  for (const witness of witnesses.filter(isAlive)) {
    const names = await namespacesOf(witness.pid).catch((): readonly string[] => []);
    for (const name of names) used.add(name);
  }
  traces.push(...namespaces.filter((name) => used.has(name)));
  const mounts = await everyProcess(async (folder) => readFile(`${folder}/mountinfo`, 'utf8'));
  traces.push(...mounts.flatMap((text) => text.split('\n').filter((line) => line.includes(root))));
  return traces;
}
