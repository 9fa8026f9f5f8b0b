/**
 * The backends of a deployed cluster: a process of its own, which starts them, makes them reachable for
 * pods and stays until the cluster is gone. It notices that by its address: the network interface
 * towards the node is taken away with the node. The data stays for the next cluster.
 *
 *   node hack/deploy/host-side.ts <state folder> <address of this host as pods see it>
 *
 * What it tells others is in a file that only its owner may read, written once all of it is true.
 */
import { rename, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownIdentity } from '../backends/process-identity.ts';
import { reachableAt, startLocalBackends, type Backends } from '../e2e/host-backends.ts';
import { backendsSecret } from '../play/backends-secret.ts';
import { playSecrets } from '../play/state/secrets.ts';
import { hostSideFile, type HostSide } from './host-side-file.ts';

const lookMs = 1_000;

function hasAddress(wanted: string): boolean {
  return Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === wanted),
  );
}

async function tell(stateDir: string, hostAddress: string, backends: Backends): Promise<void> {
  const keys = await playSecrets(join(stateDir, 'secrets.json'), process.env);
  const secret = backendsSecret('', backends, { ...process.env, ...keys });
  const told: HostSide = {
    ...ownIdentity(),
    hostAddress,
    backends: secret['stringData'] as HostSide['backends'],
  };
  const file = hostSideFile(stateDir);
  await writeFile(`${file}.new`, JSON.stringify(told), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function main(): Promise<void> {
  const [, , stateDir = '', hostAddress = ''] = process.argv;
  if (!hasAddress(hostAddress)) throw new Error(`this host has no address ${hostAddress}`);
  const told = new AbortController();
  process.once('SIGTERM', () => told.abort());
  process.once('SIGINT', () => told.abort());
  const local = await startLocalBackends({
    stateDir: join(stateDir, 'backends'),
    env: process.env,
    log: (line) => console.log(line),
    signal: told.signal,
  });
  await using backends = await reachableAt(hostAddress, local);
  await tell(stateDir, hostAddress, backends.forPods);
  while (!told.signal.aborted && hasAddress(hostAddress)) {
    await delay(lookMs, undefined, { signal: told.signal }).catch(() => undefined);
  }
}

await main();
