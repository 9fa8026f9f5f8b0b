/**
 * The last place to look: a container engine. Only one that answers is used, since a client without
 * its daemon is common. Containers publish on 127.0.0.1 and keep data in a volume named after the
 * state folder; `--rm` and a fixed name make leftovers recognisable.
 */
import { createHash } from 'node:crypto';

import type { Command, Installation, Search, ServerFolder } from './backend.ts';
import { findProgram, run } from './command.ts';

export interface ContainerImage {
  readonly name: string;
  readonly image: string;
  /** The port and the data folder inside. */
  readonly port: number;
  readonly dataPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** The engine, once it has answered; throws with the reason otherwise. */
export async function containerEngine(image: string, search: Search): Promise<Installation> {
  const reasons: string[] = [];
  for (const name of ['docker', 'podman']) {
    const engine = await findProgram(name, search.env);
    if (engine === undefined) {
      reasons.push(`no ${name}`);
      continue;
    }
    try {
      await run(engine, ['info'], { env: search.env, timeoutMs: 10_000, signal: search.signal });
      return {
        origin: 'container',
        version: image,
        place: engine,
        programs: { engine },
        env: {
          PATH: search.env['PATH'] ?? '',
          HOME: search.env['HOME'] ?? '/',
          ...(search.env['DOCKER_HOST'] === undefined
            ? {}
            : { DOCKER_HOST: search.env['DOCKER_HOST'] }),
        },
      };
    } catch {
      search.signal.throwIfAborted();
      reasons.push(`${engine} is here but its engine does not answer`);
    }
  }
  throw new Error(reasons.join(', '));
}

function containerName(name: string, folder: ServerFolder): string {
  const id = createHash('sha256').update(folder.root).digest('hex').slice(0, 12);
  return `millrace-${name}-${id}`;
}

/** Removes a container that a killed run left; its volume, and so its data, stays. */
export async function prepareContainer(
  name: string,
  installation: Installation,
  folder: ServerFolder,
): Promise<void> {
  const engine = installation.programs['engine'] ?? 'docker';
  await run(engine, ['rm', '-f', containerName(name, folder)], { env: installation.env }).catch(
    () => undefined,
  );
}

/** Secrets go through the client's environment, so that they are on no command line. */
export function containerCommand(
  image: ContainerImage,
  installation: Installation,
  folder: ServerFolder,
): Command {
  const name = containerName(image.name, folder);
  const [port] = Object.values(folder.settings.ports);
  return {
    role: 'container',
    file: installation.programs['engine'] ?? 'docker',
    args: [
      'run',
      '--rm',
      '--name',
      name,
      '-p',
      `127.0.0.1:${String(port)}:${String(image.port)}`,
      '-v',
      `${name}:${image.dataPath}`,
      ...Object.keys(image.env).flatMap((key) => ['-e', key]),
      image.image,
      ...image.args,
    ],
    env: { ...installation.env, ...image.env },
    cwd: folder.root,
    stopSignals: ['SIGTERM'],
  };
}
