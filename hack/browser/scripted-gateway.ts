/**
 * The gateway's own page and streams over an import that is made up: no database, the same picture
 * every time.
 */
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { openPage } from '@millrace/runtimes/csv-import/page/page';
import {
  startHttp,
  type HttpReply,
  type HttpRequest,
  type HttpService,
  type EventSink,
} from '@millrace/runtimes/http/server';

export type Refuse = (request: HttpRequest) => HttpReply | undefined;

export interface ScriptedGateway extends AsyncDisposable {
  readonly url: string;
  readonly service: HttpService;
}

export type Script = (sink: EventSink, request: HttpRequest) => Promise<void>;

export interface ScriptedGatewayOptions {
  readonly table: string;
  readonly script: Script;
  /** Answers before the script is asked; undefined lets it go on. */
  readonly refuse?: Refuse;
}

export async function scriptedGateway(options: ScriptedGatewayOptions): Promise<ScriptedGateway> {
  const page = await openPage(options.table);
  const service = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: createLog({ level: 'silent', bindings: {}, fd: 2 }),
    metrics: createMetrics({}),
    clock: systemClock,
    handle: (request) => {
      const reply = page(request) ?? options.refuse?.(request);
      return Promise.resolve(
        reply ?? { body: '', events: (sink) => options.script(sink, request) },
      );
    },
  });
  return {
    url: `http://127.0.0.1:${String(service.port)}/`,
    service,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

export interface ScriptedProgress {
  readonly state: string;
  readonly reason?: string;
  readonly read: number;
  readonly rejected?: number;
  readonly superseded?: number;
  /** Of the made-up file, from 0 to 1. */
  readonly share: number;
}

const fileBytes = 5_242_880_000;
const chunkBytes = 16_777_216;

export function progressEvent(progress: ScriptedProgress) {
  const { state, reason = null, read, rejected = 0, superseded = 0, share } = progress;
  const chunks = Math.ceil(fileBytes / chunkBytes);
  const data = {
    state,
    reason,
    read,
    rejected,
    superseded,
    bytes: { source: fileBytes, planned: fileBytes, done: Math.floor(fileBytes * share) },
    chunks: { planned: chunks, done: Math.floor(chunks * share), complete: true },
  };
  return { event: 'progress', data: JSON.stringify(data) };
}

const firstNames = ['Ada', 'Bruno', 'Chiara', 'Deniz', 'Elif', 'Farid', 'Greta', 'Hana', 'Ivo'];
const lastNames = ['Okafor', 'Lindqvist', 'Moreau', 'Petrov', 'Tanaka', 'Weiß', 'Yılmaz', 'Zając'];

/** The n-th row, with what is hard to show now and then. */
export function rowEvent(row: number) {
  const first = firstNames[row % firstNames.length] ?? '';
  const last = lastNames[(row * 5) % lastNames.length] ?? '';
  const id = 9_007_199_254_700_000n + BigInt(row);
  const created = new Date(Date.UTC(2024, 1, 1) + row * 977_000).toISOString();
  const fields = [
    `"id":${String(id)}`,
    `"first_name":${JSON.stringify(first)}`,
    `"last_name":${JSON.stringify(last)}`,
    `"created_at":${JSON.stringify(created)}`,
    `"balance":${String(row * 3)}.50`,
    `"parent_user_id":${row % 4 === 0 ? 'null' : String(row % 97)}`,
  ];
  return { id: `row-${String(row)}`, data: `{${fields.join(',')}}` };
}
