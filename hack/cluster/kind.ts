/**
 * A cluster of kind instead of ours, for hosts with a container engine: `npm run cluster -- up --kind`.
 *
 * All that kind needs to be told is here: its name on this host, hack/kind.yaml, and a kubeconfig of
 * its own in the state folder, so that the user's own stays as it is. The chart brings the definitions,
 * so none are installed. kind and its engine are the user's; what is wrong with them kind says itself.
 */
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findProgram, run } from '../backends/command.ts';
import { serverRoot } from '../backends/server-folder.ts';
import { ClusterProblem, type Place } from './commands.ts';
import { clusterFiles } from './pki.ts';

const configuration = fileURLToPath(new URL('../kind.yaml', import.meta.url));
/** The image of a node is a download of 400 MB, once. */
const createTimeoutMs = 15 * 60_000;

export interface KindOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

interface Kind {
  readonly name: string;
  readonly kubeconfig: string;
  /** Runs kind with these arguments; resolves to its output. */
  readonly call: (args: readonly string[], signal?: AbortSignal) => Promise<string>;
}

/** kind names clusters for the whole host. */
function kindName({ name }: Place): string {
  return `millrace-${name}`;
}

function marker({ stateDir, name }: Place): string {
  return join(serverRoot(stateDir, name), 'kind.json');
}

/** Whether the cluster of that name was made by kind. */
export async function isKind(place: Place): Promise<boolean> {
  return access(marker(place)).then(
    () => true,
    () => false,
  );
}

async function kindOf(place: Place, { env, log }: KindOptions): Promise<Kind> {
  const program = await findProgram('kind', env);
  if (program === undefined) {
    throw new ClusterProblem(
      'there is no kind on the PATH; install it with its container engine, or use --tier d, which needs neither',
    );
  }
  return {
    name: kindName(place),
    kubeconfig: clusterFiles(serverRoot(place.stateDir, place.name)).kubeconfig,
    call: async (args, signal) =>
      run(program, args, {
        env,
        timeoutMs: createTimeoutMs,
        onLine: (line) => log(`kind: ${line}`),
        ...(signal === undefined ? {} : { signal }),
      }),
  };
}

/** Creates the cluster, or finds it; resolves to the path of its kubeconfig. */
export async function kindUp(place: Place, options: KindOptions): Promise<string> {
  const { name, kubeconfig, call } = await kindOf(place, options);
  await mkdir(serverRoot(place.stateDir, place.name), { recursive: true, mode: 0o700 });
  const there = (await call(['get', 'clusters'])).split('\n').map((line) => line.trim());
  const own = ['--name', name, '--kubeconfig', kubeconfig];
  if (there.includes(name)) {
    await call(['export', 'kubeconfig', ...own]);
  } else {
    // Before its nodes are there, so that `down` knows of a start that was killed.
    await writeFile(marker(place), `${JSON.stringify({ name })}\n`);
    const create = ['create', 'cluster', ...own, '--config', configuration, '--wait', '2m'];
    try {
      await call(create, options.signal);
    } catch (error) {
      await call(['delete', 'cluster', ...own]).catch(() => undefined);
      await rm(marker(place), { force: true });
      throw error;
    }
  }
  await writeFile(marker(place), `${JSON.stringify({ name })}\n`);
  return kubeconfig;
}

/** Puts the images of an OCI archive into every node. */
export async function kindLoad(place: Place, archive: string, options: KindOptions): Promise<void> {
  const { name, call } = await kindOf(place, options);
  await call(['load', 'image-archive', archive, '--name', name]);
}

/** Ends the cluster and removes what was written for it. */
export async function kindDown(place: Place, options: KindOptions): Promise<void> {
  const { name, kubeconfig, call } = await kindOf(place, options);
  await call(['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig]);
  await rm(serverRoot(place.stateDir, place.name), { recursive: true, force: true });
}
