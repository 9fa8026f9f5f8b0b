/**
 * `GET /`: a page that shows the import and its rows as they arrive.
 *
 * Three files as they are, read once and held in memory: no build step, nothing from elsewhere. The
 * policy that goes with them lets the page load its own script and style and ask its own gateway,
 * and nothing else. They hold no data but the table's name, so they are served without a token; the
 * page asks for one when the rows do. No table has a dot in its name, so none is hidden by a file.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import { refuseUnknown } from '../../http/request-target.ts';

/** Undefined for a path that is none of the page's. */
export type AnswerPage = (request: HttpRequest) => HttpReply | undefined;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const types: Readonly<Record<string, string>> = {
  'page.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
};

const noParameters: ReadonlySet<string> = new Set();

export async function openPage(table: string): Promise<AnswerPage> {
  const replies = new Map<string, HttpReply>();
  for (const [name, type] of Object.entries(types)) {
    const text = await readFile(`${pageFolder()}${name}`, 'utf8');
    // A table's name is an identifier of ours, which HTML takes as it is.
    const body = name === 'page.html' ? text.replaceAll('%TABLE%', table) : text;
    replies.set(name === 'page.html' ? '' : name, { body, type, headers });
  }
  return ({ target, routed }) => {
    const [name = '', ...rest] = target.segments;
    const reply = rest.length === 0 ? replies.get(name) : undefined;
    if (reply === undefined) return undefined;
    routed('page');
    refuseUnknown(target.query, noParameters);
    return reply;
  };
}

/** Beside this file in a checkout, beside the bundle in an image. */
function pageFolder(): string {
  const isBundled = !import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(isBundled ? './page/' : './', import.meta.url));
}
