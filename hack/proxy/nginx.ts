/**
 * Debian's nginx with the balancer's configuration as committed: from the PATH, else unpacked from the
 * package into the cache, installed nowhere. The configuration is taken word for word, except for the
 * port, so that what is tested is what people copy.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '../backends/cache.ts';
import { findProgram, lastLines } from '../backends/command.ts';
import { debianPackages, libraryPath } from '../backends/debian.ts';
import { portAllocator } from '../play/supervisor/free-port.ts';

const configuration = fileURLToPath(new URL('nginx.conf', import.meta.url));
const packages = { name: 'nginx', revision: 1, packages: ['nginx', 'libpcre2-8-0', 'libssl3'] };
const listenLine = 'listen 8080;';
const startDeadlineMs = 20_000;
const freePort = portAllocator();

type Environment = Readonly<Record<string, string | undefined>>;

interface Program {
  readonly file: string;
  readonly env: Environment;
}

async function findNginx(env: Environment): Promise<Program> {
  const file = await findProgram('nginx', env);
  if (file !== undefined) return { file, env: { PATH: env['PATH'] } };
  const cacheDir = cacheDirectory(env);
  const folder = await debianPackages(packages, {
    env,
    cacheDir,
    folder: cacheDir,
    log: (line) => console.error(`nginx: ${line}`),
    signal: AbortSignal.timeout(600_000),
  });
  return {
    file: join(folder, 'usr', 'sbin', 'nginx'),
    env: { PATH: env['PATH'], LD_LIBRARY_PATH: await libraryPath(folder) },
  };
}

export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** What it complained about. */
  log(): string;
}

/** In front of gateways on these ports of loopback. */
export async function startBalancer(ports: readonly number[], env: Environment): Promise<Balancer> {
  const program = await findNginx(env);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-nginx-'));
  const port = await freePort();
  const text = await readFile(configuration, 'utf8');
  if (!text.includes(listenLine)) throw new Error(`${configuration} lacks "${listenLine}"`);
  await writeFile(
    join(folder, 'nginx.conf'),
    text.replace(listenLine, `listen 127.0.0.1:${String(port)};`),
  );
  const gateways = ports.map(
    (one) => `server 127.0.0.1:${String(one)} max_fails=1 fail_timeout=2s;\n`,
  );
  await writeFile(join(folder, 'gateways.conf'), gateways.join(''));
  const child = spawn(
    program.file,
    // A user of its own would need root; as root, nginx would change to one that has no home here.
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', foreground()],
    { env: { ...program.env }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-20_000);
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + startDeadlineMs;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`nginx does not listen:\n${lastLines(said, 10)}`);
    }
    await delay(20);
  }
  return {
    url: `http://127.0.0.1:${String(port)}`,
    log: () => said,
    [Symbol.asyncDispose]: stop,
  };
}

function foreground(): string {
  return process.getuid?.() === 0 ? 'daemon off; user root;' : 'daemon off;';
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
