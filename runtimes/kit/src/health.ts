/**
 * The admin port of every process, in both planes: `/livez`, `/readyz`, `/metrics`, `/progress`.
 *
 * Plain node:http, so that the admin port has no dependency that could be down. Live = the event
 * loop turns: the answer itself proves it, unless the process knows better (`liveness`). Ready = this role can answer or do something correctly now; dependencies are listed in
 * the body for people and never turn readiness off by themselves. Bounded: small requests only,
 * short header and request timeouts, no keep-alive beyond five seconds.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Which part this process plays now, such as leader or standby. */
  readonly role?: string;
  /** Why it is not ready. */
  readonly reason?: string;
  readonly dependencies: Readonly<
    Record<string, { readonly ok: boolean; readonly reason?: string }>
  >;
}

export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free port; the one taken is in the result. */
  readonly port: number;
  readonly metrics: Metrics;
  readiness(): Readiness;
  /** What is wrong with this process so that only a restart helps; undefined while nothing is. */
  liveness?(): string | undefined;
  /** Undefined while there is nothing to report. */
  progress?(): Promise<object | undefined>;
}

export interface AdminServer extends AsyncDisposable {
  readonly port: number;
}

export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      answer(request.url ?? '/', options).then(
        (reply) => send(response, reply),
        () =>
          send(response, { status: 500, type: 'application/json', body: '{"error":"internal"}' }),
      );
    },
  );
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(url: string, options: AdminOptions): Promise<Reply> {
  switch (url.split('?')[0]) {
    case '/livez': {
      const problem = options.liveness?.();
      const [status, body] = problem === undefined ? [200, 'ok'] : [503, problem];
      return { status, type: 'text/plain', body: `${body}\n` };
    }
    case '/readyz': {
      const readiness = options.readiness();
      return json(readiness.ready ? 200 : 503, readiness);
    }
    case '/metrics':
      return {
        status: 200,
        type: options.metrics.contentType,
        body: await options.metrics.metrics(),
      };
    case '/progress': {
      const progress = await options.progress?.();
      return progress === undefined
        ? json(503, { error: 'nothing to report yet' })
        : json(200, progress);
    }
    default:
      return json(404, { error: 'not found; try /livez, /readyz, /metrics or /progress' });
  }
}

function json(status: number, body: object): Reply {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'content-type': reply.type });
  response.end(reply.body);
}

async function listen(server: Server, options: AdminOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
