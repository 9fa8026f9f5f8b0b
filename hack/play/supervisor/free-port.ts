/**
 * Ports for pods and services, from below the range the kernel takes for outgoing connections: a
 * port from that range could be gone again when the process binds it. Never the same twice in one
 * process.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { loopback } from './local-container.ts';

const lowest = 20_000;
const highest = 32_000;

export function portAllocator(): () => Promise<number> {
  const given = new Set<number>();
  return async () => {
    for (let attempt = 0; attempt < highest - lowest; attempt++) {
      const port = randomInt(lowest, highest);
      if (given.has(port) || !(await isFree(port))) continue;
      given.add(port);
      return port;
    }
    throw new Error(`no free port between ${String(lowest)} and ${String(highest)}`);
  };
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}
