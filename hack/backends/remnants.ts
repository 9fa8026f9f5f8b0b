/**
 * What a node with namespaces of its own leaves in the kernel when its processes are killed: the
 * control group with whatever was not recorded, and the host's end of its network link. Mounts,
 * packet rules and the other end go with the namespaces.
 */
import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { run } from './command.ts';
import { removeControlGroup } from './control-group.ts';

export interface Remnants {
  /** Its name below the root of each hierarchy. */
  readonly controlGroup: string;
  readonly link: string;
}

/** The watcher has no environment of its own. */
const path = '/usr/sbin:/usr/bin:/sbin:/bin';
const linkDeadlineMs = 10_000;
const pollMs = 10;

async function hasLink(name: string): Promise<boolean> {
  return access(`/sys/class/net/${name}`).then(
    () => true,
    () => false,
  );
}

/** The kernel removes a link some time after its other end's namespace; nobody should wait for that. */
async function removeLink(name: string): Promise<void> {
  const deadline = Date.now() + linkDeadlineMs;
  while (await hasLink(name)) {
    await run('ip', ['link', 'delete', name], { env: { PATH: path } }).catch(() => undefined);
    if (Date.now() > deadline) throw new Error(`the network link ${name} stays`);
    await delay(pollMs);
  }
}

export async function removeRemnants({ controlGroup, link }: Remnants): Promise<void> {
  await removeLink(link);
  await removeControlGroup(controlGroup);
}
