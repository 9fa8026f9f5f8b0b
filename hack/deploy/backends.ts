/** Backends on this host for a cluster that stays: those that are running, else started now. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines } from '../backends/command.ts';
import { endProcess, isAlive } from '../backends/process-identity.ts';
import { launch } from '../backends/server.ts';
import { waitFor } from '../e2e/waiting.ts';
import { hostSideFile, readHostSide, type HostSide } from './host-side-file.ts';

const program = fileURLToPath(new URL('host-side.ts', import.meta.url));
/** RabbitMQ alone may take minutes on a busy host, and packages may have to be fetched. */
const startMs = 300_000;

export interface BackendsOptions {
  readonly stateDir: string;
  readonly hostAddress: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export async function hostSide({ stateDir, hostAddress, env }: BackendsOptions): Promise<HostSide> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const before = await readHostSide(stateDir);
  if (before !== undefined && isAlive(before)) {
    if (before.hostAddress === hostAddress) return before;
    // That of another cluster, which has the data; it starts them again where this one sees them.
    await endProcess(before, ['SIGTERM'], 30_000);
  }
  await rm(hostSideFile(stateDir), { force: true });
  const log = join(stateDir, 'host-side.log');
  await rm(log, { force: true });
  const given = Object.entries(env).filter(([, value]) => value !== undefined);
  const started = await launch(
    {
      role: 'host-side',
      file: process.execPath,
      args: [program, stateDir, hostAddress],
      env: Object.fromEntries(given) as Record<string, string>,
      cwd: stateDir,
      stopSignals: ['SIGTERM'],
    },
    log,
  );
  return waitFor({
    what: 'the backends on this host',
    withinMs: startMs,
    look: async () => {
      const told = await readHostSide(stateDir);
      if (told !== undefined) return { found: told };
      const said = lastLines(await readFile(log, 'utf8').catch(() => ''), 10);
      return isAlive(started) ? { state: said } : { hopeless: said };
    },
  });
}
