/** What is asked, at which rate, and what the answers say. */
import { latenessMs, latencyMs, isLate, runOpenLoop } from '../../load/open-loop.ts';
import { Random } from '../../load/random.ts';
import type { Pod } from '../pods.ts';
import { loopback, table } from './scene.ts';

export interface Load {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly connections: number;
  /** Of the latency that the bar is about. */
  readonly share: number;
  readonly barMs: number;
  path(index: number): string;
}

/** Rows that everybody asks for: few enough to be hits after a moment. */
export const hotRows = 1_000;
const seed = 20_261_121;

/** `cursorAt` makes the cursor of a page that begins after this row. */
export function loadsOf(rows: number, cursorAt: (id: number) => string): readonly Load[] {
  const random = new Random(seed);
  const id = (most: number): number => 1 + random.below(most);
  const hexadecimal = (digits: number): string =>
    random
      .below(16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return [
    {
      name: 'GET /{table}/{key}, hot',
      requestsPerSecond: 5_000,
      connections: 64,
      share: 0.99,
      barMs: 5,
      path: () => `/${table}/${String(id(Math.min(hotRows, rows)))}`,
    },
    {
      name: 'GET /{table}: pages and filters',
      requestsPerSecond: 200,
      connections: 32,
      share: 0.95,
      barMs: 20,
      path: (index) => {
        // Every second one is a page anywhere in the table, the others filter by one name or two.
        if (index % 2 === 0) return `/${table}?limit=50&cursor=${cursorAt(id(rows))}`;
        const first = `first_name=${hexadecimal(index % 3 === 0 ? 1 : 3)}`;
        return `/${table}?limit=50&${first}${index % 5 === 0 ? `&last_name=${hexadecimal(1)}` : ''}`;
      },
    },
  ];
}

export interface LoadResult {
  readonly latencyMs: number;
  readonly medianMs: number;
  readonly latenessMs: number;
  readonly isVoid: boolean;
  readonly failed: number;
  /** Of the gateway, for each request; says something on a busy host too. */
  readonly cpuMicroseconds: number;
}

export async function runLoad(
  load: Load,
  at: { readonly port: number; readonly seconds: number; readonly gateway: Pod },
): Promise<LoadResult> {
  let failed = 0;
  const before = await at.gateway.usage();
  const result = await runOpenLoop({
    host: loopback,
    port: at.port,
    requestsPerSecond: load.requestsPerSecond,
    seconds: at.seconds,
    connections: load.connections,
    request: (index) => Buffer.from(`GET ${load.path(index)} HTTP/1.1\r\nhost: bench\r\n\r\n`),
    settled: (_index, status) => {
      if (status !== 200) failed += 1;
    },
  });
  const after = await at.gateway.usage();
  const cpuSeconds = (after?.cpuSeconds ?? Number.NaN) - (before?.cpuSeconds ?? Number.NaN);
  return {
    cpuMicroseconds: (cpuSeconds * 1e6) / result.sent,
    latencyMs: latencyMs(result, load.share),
    medianMs: latencyMs(result, 0.5),
    latenessMs: latenessMs(result, 0.99),
    isVoid: isLate(result),
    failed,
  };
}
