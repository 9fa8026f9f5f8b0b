/**
 * Linux control groups as a net under processes: whatever a group's members start is in it too, so
 * ending the group ends all of them, recorded or not. Works on version 1 (one folder in each
 * hierarchy) and version 2 (one folder in all).
 */
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const mountPoint = '/sys/fs/cgroup';
const endDeadlineMs = 30_000;
const pollMs = 20;

async function isVersion2(): Promise<boolean> {
  return access(join(mountPoint, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
}

/** Where groups can be made; a hierarchy that is reached by a second name counts once. */
async function hierarchies(): Promise<readonly string[]> {
  if (await isVersion2()) return [mountPoint];
  const entries = await readdir(mountPoint, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(mountPoint, name));
}

/** Groups of version 1 begin without processors and memory, and take no process until they have. */
async function inheritCpuset(folder: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const value = await readFile(join(folder, '..', name), 'utf8').catch(() => undefined);
    if (value !== undefined) await writeFile(join(folder, name), value);
  }
}

/** Version 2 gives a group's children only what the group hands down, by name. */
async function handDown(folder: string): Promise<void> {
  const read = async (name: string): Promise<readonly string[]> =>
    (await readFile(join(folder, name), 'utf8')).trim().split(' ');
  const present = new Set(await read('cgroup.subtree_control'));
  const available = await read('cgroup.controllers');
  const wanted = available.filter((name) => handedDown.has(name) && !present.has(name));
  if (wanted.length === 0) return;
  const text = wanted.map((name) => `+${name}`).join(' ');
  await writeFile(join(folder, 'cgroup.subtree_control'), text);
}

/** What limits of containers need. */
const handedDown = new Set(['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids']);

async function makeIn(hierarchy: string, name: string, version2: boolean): Promise<void> {
  const folder = join(hierarchy, name);
  const leaf = join(folder, programLeaf);
  // Of a hierarchy that is not the first, a group that was half removed may be left.
  await mkdir(folder, { recursive: true });
  if (version2) await handDown(folder);
  else await inheritCpuset(folder);
  await mkdir(leaf, { recursive: true });
  if (!version2) await inheritCpuset(leaf);
}

/** Makes the group with a leaf for programs in it; false when somebody has one of that name. */
export async function makeControlGroup(name: string): Promise<boolean> {
  const version2 = await isVersion2();
  const all = await hierarchies();
  const [first] = all;
  if (first === undefined) throw new Error(`there are no control groups in ${mountPoint}`);
  try {
    await mkdir(join(first, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  try {
    if (version2) await handDown(mountPoint);
    for (const hierarchy of all) await makeIn(hierarchy, name, version2);
    return true;
  } catch (error) {
    await removeControlGroup(name);
    throw error;
  }
}

/** Processes may be in leaves only, once a group of version 2 hands controllers down. */
const programLeaf = 'programs';

/** The files that take the pid of a process that joins the group. */
export async function joinFiles(name: string): Promise<readonly string[]> {
  const all = await hierarchies();
  return all.map((hierarchy) => join(hierarchy, name, programLeaf, 'cgroup.procs'));
}

/** The folder and all below it, the deepest first. */
async function groupsBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [];
  const below: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) below.push(...(await groupsBelow(join(folder, entry.name))));
  }
  return [...below, folder];
}

async function killMembers(group: string): Promise<void> {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of text.split('\n').filter((line) => line !== '' && line !== '0')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

async function removeTree(folder: string, deadline: number): Promise<void> {
  for (;;) {
    const groups = await groupsBelow(folder);
    if (groups.length === 0) return;
    for (const group of groups) {
      await killMembers(group);
      await rmdir(group).catch(() => undefined);
    }
    if (Date.now() > deadline) throw new Error(`the control group ${folder} stays`);
    await delay(pollMs);
  }
}

/** Ends every process in the group and removes it; one that is not there is removed already. */
export async function removeControlGroup(name: string): Promise<void> {
  const deadline = Date.now() + endDeadlineMs;
  const all = await hierarchies().catch((): readonly string[] => []);
  // The first is where names are taken, so it goes last: nobody gets a name that is half in use.
  for (const hierarchy of all.toReversed()) await removeTree(join(hierarchy, name), deadline);
}
