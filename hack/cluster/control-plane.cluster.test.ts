/** Real control planes, started, killed and looked at the way people and machines do it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it, vi } from 'vitest';

import { describeOnCluster, givenCluster } from '../../operator/test/real-cluster.ts';
import { run } from '../backends/command.ts';
import { isAlive, signalProcess, type ProcessIdentity } from '../backends/process-identity.ts';
import { readRecord, serverRoot, usersOf } from '../backends/server-folder.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { scratch } from './test/scratch.ts';

/** A start takes three seconds, and ten times that where a dozen other programs want the processor. */
vi.setConfig({ testTimeout: 180_000 });

const holder = fileURLToPath(new URL('test/holder.ts', import.meta.url));
const cliFile = fileURLToPath(new URL('main.ts', import.meta.url));
const realPrograms = (): string => dirname(givenCluster().kubectl);

async function recorded(stateDir: string, name: string): Promise<readonly ProcessIdentity[]> {
  return (await readRecord(serverRoot(stateDir, name)))?.processes ?? [];
}

/** Another program that starts a cluster and is killed before it could clean up. */
async function startAndKill(
  stateDir: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly ProcessIdentity[]> {
  const child = spawn(process.execPath, [holder, stateDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  await once(child.stdout, 'data');
  const left = await recorded(stateDir, 'cluster');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return left;
}

async function killWatcher(stateDir: string): Promise<void> {
  const text = await readFile(join(stateDir, 'watcher.json'), 'utf8');
  signalProcess(JSON.parse(text) as ProcessIdentity, 'SIGKILL');
}

async function whoAmI(args: readonly string[]): Promise<unknown> {
  const { kubectl } = givenCluster();
  const answer = await run(kubectl, [...args, 'auth', 'whoami', '--output=json']);
  return (JSON.parse(answer) as { status: { userInfo: unknown } }).status.userInfo;
}

describeOnCluster('npm run cluster', () => {
  it('keeps named clusters apart, lets both kinds of credentials in, and leaves nothing', async () => {
    await using place = await scratch();
    const state = join(place.path, 'state');
    const home = join(place.path, 'home');
    const cli = async (...args: readonly string[]): Promise<string> =>
      run(process.execPath, [cliFile, ...args, '--state', state], {
        env: { PATH: '', HOME: home, TMPDIR: home, KUBEBUILDER_ASSETS: realPrograms() },
      });

    const [first, second] = await Promise.all([
      cli('up', '--tier', 'a', '--name', 'first'),
      cli('up', '--tier', 'a', '--name', 'second'),
    ]);

    const kubeconfig = first.trim();
    const { server, token, ca } = {
      server: (await readFile(kubeconfig, 'utf8')).match(/server: (\S+)/)?.[1] ?? '',
      token: await readFile(join(state, 'first', 'admin-token'), 'utf8'),
      ca: join(state, 'first', 'pki', 'ca.crt'),
    };
    const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
    expect(await whoAmI([`--kubeconfig=${kubeconfig}`])).toMatchObject(admin);
    const withToken = [
      '--kubeconfig=/dev/null',
      `--server=${server}`,
      `--certificate-authority=${ca}`,
    ];
    expect(await whoAmI([...withToken, `--token=${token}`])).toMatchObject(admin);
    await expect(whoAmI([...withToken, '--token=wrong'])).rejects.toThrow('Unauthorized');
    // Each has authorities of its own: what one issued, the other refuses.
    await expect(whoAmI([`--kubeconfig=${second.trim()}`, `--server=${server}`])).rejects.toThrow(
      'certificate',
    );

    const processes = [...(await recorded(state, 'first')), ...(await recorded(state, 'second'))];
    expect(processes.map(isAlive)).toEqual([true, true, true, true]);
    await cli('down', '--name', 'first');
    expect(processes.map(isAlive)).toEqual([false, false, true, true]);
    await cli('down', '--all');
    expect(processes.map(isAlive)).toEqual([false, false, false, false]);
    await vi.waitUntil(async () => (await readdir(state)).length === 0, { timeout: 30_000 });
    await expect(access(home)).rejects.toThrow('ENOENT');
  });
});

describeOnCluster('a control plane', () => {
  it('tries other ports when one was taken meanwhile, and ends with its killed user', async () => {
    await using place = await scratch();
    const mark = join(place.path, 'mark');
    const real = realPrograms();
    const assets = await place.assets(
      {
        'kube-apiserver':
          `if [ "$1" = --version ] || [ -e ${mark} ]; then exec ${real}/kube-apiserver "$@"; fi\n` +
          `touch ${mark}; echo "listen tcp 127.0.0.1: bind: address already in use"; exit 1`,
      },
      real,
    );

    const left = await startAndKill(place.path, { KUBEBUILDER_ASSETS: assets });

    expect(left).toHaveLength(2);
    await vi.waitUntil(() => !left.some(isAlive), { timeout: 30_000 });
  });

  it('first ends what a killed one left when nobody watched', async () => {
    await using place = await scratch();
    const env = { KUBEBUILDER_ASSETS: realPrograms() };
    const left = await startAndKill(place.path, env);
    await killWatcher(place.path);
    const [etcd, apiServer] = left;
    if (etcd === undefined || apiServer === undefined) throw new Error('nothing was started');
    signalProcess(apiServer, 'SIGKILL');
    await vi.waitUntil(() => !isAlive(apiServer), { timeout: 30_000 });

    const plane: ControlPlane = await startControlPlane({
      tier: 'a',
      stateDir: place.path,
      env,
      log: () => undefined,
    });

    expect(isAlive(etcd)).toBe(false);
    expect(plane.processes.every(isAlive)).toBe(true);
    await plane.stop();
    expect(plane.processes.some(isAlive)).toBe(false);
  });

  it('does not start when a program ends, and shows what that one said', async () => {
    await using place = await scratch();
    // It runs in the cluster's folder, and notes what runs there before it ends.
    const note = 'cp running.json ../noted.json';
    const script = `${note}; echo "Error: the flag --none is unknown" >&2; exit 3`;
    const assets = await place.assets(
      { 'kube-apiserver': `[ "$1" = --version ] && exit 0\n${script}` },
      realPrograms(),
    );

    const started = startControlPlane({
      tier: 'a',
      stateDir: place.path,
      env: { KUBEBUILDER_ASSETS: assets },
      log: () => undefined,
    });

    await expect(started).rejects.toThrow(
      'kube-apiserver ended while the cluster started; its log ends with:\n' +
        'Error: the flag --none is unknown',
    );
    const noted = await readFile(join(place.path, 'noted.json'), 'utf8');
    const { processes } = JSON.parse(noted) as { processes: readonly ProcessIdentity[] };
    expect(processes.length).toBeGreaterThan(0);
    expect(processes.some(isAlive)).toBe(false);
    expect(await usersOf(serverRoot(place.path, 'cluster'))).toEqual({ pids: [], kept: false });
  });
});
