/**
 * Toxiproxy between pods and servers, one proxy a link.
 *
 * A reset ends a connection with RST at its next data, either way; a black hole takes everything and
 * answers nothing, and ends the connections when it is lifted. Whether a link was hit is not believed
 * of the proxy: connections that were there before and are gone after are counted in the kernel's table.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { portAllocator } from '../../play/supervisor/free-port.ts';
import { goTool } from '../../tools/go-tool.ts';
import { clientPorts } from '../pods.ts';
import { endOf, linkNames, type LinkEnd, type LinkName } from './links.ts';

export type Cut = 'Reset' | 'BlackHole';

export interface Lifted {
  readonly before: number;
  readonly gone: number;
}

export interface Network extends AsyncDisposable {
  readonly ports: Readonly<Record<LinkName, number>>;
  /** Clients connected through the link now. */
  clients(link: LinkName): number;
  /** Gives what ends it. */
  cut(link: LinkName, how: Cut): Promise<() => Promise<Lifted>>;
}

export interface NetworkOptions {
  /** Ports of the servers. */
  readonly servers: Readonly<Record<LinkEnd, number>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
}

const host = '127.0.0.1';
const startLooks = { every: 50, most: 200 } as const;
const wordLooks = { every: 100, most: 150 } as const;
/** For the kernel's table to show what has been closed. */
const settleMs = 200;

export async function openNetwork({ servers, env, log }: NetworkOptions): Promise<Network> {
  const program = await goTool({ name: 'toxiproxy', env, log });
  const freePort = portAllocator();
  const api = `http://${host}:${String(await freePort())}`;
  const child = spawn(program, ['-host', host, '-port', new URL(api).port], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  };
  const asked = async (method: string, path: string, body?: unknown): Promise<void> => {
    const response = await fetch(`${api}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.text();
    if (!response.ok) throw new Error(`toxiproxy answers ${String(response.status)} to ${path}`);
  };
  try {
    await answers(`${api}/version`);
    const ports = {} as Record<LinkName, number>;
    for (const link of linkNames) {
      ports[link] = await freePort();
      const listen = `${host}:${String(ports[link])}`;
      const upstream = `${host}:${String(servers[endOf(link)])}`;
      await asked('POST', '/proxies', { name: link, listen, upstream, enabled: true });
    }
    return {
      ports,
      clients: (link) => clientPorts(ports[link]).length,
      cut: async (link, how) => cut({ asked, port: ports[link], link, how }),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answers(url: string): Promise<void> {
  for (let look = 0; ; look += 1) {
    const response = await fetch(url).catch(() => undefined);
    await response?.text();
    if (response?.ok === true) return;
    if (look === startLooks.most) throw new Error('toxiproxy does not answer');
    await delay(startLooks.every);
  }
}

interface CutOptions {
  readonly link: LinkName;
  readonly how: Cut;
  readonly port: number;
  readonly asked: (method: string, path: string, body?: unknown) => Promise<void>;
}

const streams = ['upstream', 'downstream'] as const;

async function cut({ asked, link, how, port }: CutOptions): Promise<() => Promise<Lifted>> {
  const before = clientPorts(port);
  const type = how === 'Reset' ? 'reset_peer' : 'timeout';
  for (const stream of streams) {
    const toxic = { name: stream, type, stream, toxicity: 1, attributes: { timeout: 0 } };
    await asked('POST', `/proxies/${link}/toxics`, toxic);
  }
  const gone = (): number => {
    const now = new Set(clientPorts(port));
    return before.filter((one) => !now.has(one)).length;
  };
  return async () => {
    // A connection without anything to say is reset by its next word.
    for (let looks = 0; how === 'Reset' && gone() === 0 && looks < wordLooks.most; looks += 1) {
      await delay(wordLooks.every);
    }
    for (const stream of streams) await asked('DELETE', `/proxies/${link}/toxics/${stream}`);
    await delay(settleMs);
    return { before: before.length, gone: gone() };
  };
}
