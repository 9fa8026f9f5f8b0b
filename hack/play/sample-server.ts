/**
 * The sample on a web server of this host, for manifests that read it from there, as the example
 * does: ranges and a strong ETag, which is what workers need to load it together. It serves this one
 * file, to this host only, for as long as play runs.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { mapOf, specOf, textOf } from './kinds/play-kind.ts';
import type { Manifest } from './manifests.ts';
import { Refusal } from './refusal.ts';
import { ensureSample, sampleRows } from './sample.ts';

/** What crds/examples/csv-import-http.yaml reads. */
export const sampleUrl = new URL('http://127.0.0.1:8497/users.csv');

export interface SampleServerOptions {
  readonly manifests: readonly Manifest[];
  /** Where the sample is on this host, or is to be written. */
  readonly file: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Undefined where no manifest asks for it. */
export async function serveSample(options: SampleServerOptions): Promise<ServedFile | undefined> {
  const { manifests, file, log, signal } = options;
  const isAsked = manifests.some(
    ({ isResource, object }) =>
      isResource &&
      textOf(mapOf(mapOf(specOf(object)['source'])['http'])['url']) === sampleUrl.href,
  );
  if (!isAsked) return undefined;
  await ensureSample(file, { rows: sampleRows, log, signal });
  const served = await serveFile(file, sampleUrl);
  log(`http: the sample is at ${served.url}`);
  return served;
}

export interface ServedFile extends AsyncDisposable {
  readonly url: string;
}

/** At an address of this host; port 0 is any. */
export async function serveFile(file: string, at: URL): Promise<ServedFile> {
  const { size, mtimeMs } = await stat(file);
  const content = { file, size, etag: `"${size}-${Math.round(mtimeMs)}"` };
  const server = createServer((request, response) => {
    if (request.url === at.pathname) send(content, request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(at, error)));
    server.listen(Number(at.port), at.hostname, resolve);
  });
  const url = new URL(at);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function cannotListen(at: URL, cause: Error): Refusal {
  return new Refusal(
    `The sample cannot be served at ${at.href}: ${cause.message}. End what listens there, or give the manifest the address of a server of yours.`,
    { cause },
  );
}

interface Content {
  readonly file: string;
  readonly size: number;
  readonly etag: string;
}

function send(content: Content, request: IncomingMessage, response: ServerResponse): void {
  const { file, size, etag } = content;
  const range = rangeOf(content, request);
  response.setHeader('etag', etag).setHeader('accept-ranges', 'bytes');
  if (range !== undefined && range.start > range.end) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'text/csv',
    'content-length': end - start + 1,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  // Whoever hangs up has read enough.
  if (request.method === 'HEAD') response.end();
  else pipeline(createReadStream(file, { start, end }), response, () => undefined);
}

/** Undefined for all of it. */
function rangeOf(
  { size, etag }: Content,
  { headers }: IncomingMessage,
): { readonly start: number; readonly end: number } | undefined {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  const isOther = headers['if-range'] !== undefined && headers['if-range'] !== etag;
  if (start === undefined || isOther) return undefined;
  return { start: Number(start), end: Math.min(end === '' ? size : Number(end), size - 1) };
}
