/** Puts images from OCI archives into a node, since it has no registry to pull from. */
import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { containerdSocket } from './node-settings.ts';
import { runInside } from './namespaces.ts';

const importDeadlineMs = 300_000;
const pollMs = 20;

const ctr = ['/usr/bin/ctr', '--namespace', 'k8s.io', 'images'];
/** Set by the part of containerd that kubelet asks, once it knows the image. */
const known = 'io.cri-containerd.image=managed';

/** What is lacking before an image can be imported; undefined when nothing is. */
export async function lacksSocket(pid: number): Promise<string | undefined> {
  return access(`/proc/${String(pid)}/root${containerdSocket}`).then(
    () => undefined,
    () => 'containerd does not listen',
  );
}

/** The names in the archive, once pods can use them. */
export async function importImage(
  pid: number,
  file: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const options = { timeoutMs: importDeadlineMs, ...(signal === undefined ? {} : { signal }) };
  const said = await runInside(pid, [...ctr, 'import', '-'], { ...options, inputFile: file });
  const names = [...said.matchAll(/^unpacking (\S+)/gm)].map(([, name = '']) => name);
  const deadline = Date.now() + importDeadlineMs;
  for (;;) {
    const listed = (await runInside(pid, [...ctr, 'list'], options)).split('\n');
    const isKnown = (name: string): boolean =>
      listed.some((line) => line.startsWith(`${name} `) && line.includes(known));
    if (names.every(isKnown)) return names;
    if (Date.now() > deadline) throw new Error(`containerd does not take ${names.join(', ')} in`);
    await delay(pollMs);
  }
}
