/**
 * One GET of one address, with every wait bounded: connecting, the first byte of an answer, and silence
 * within it.
 *
 * Redirects are followed here, a few of them, never from https to http and never to an address with
 * credentials in it. The content is asked for as it is stored (no content encoding), because positions
 * of records are positions in it. Private addresses are allowed: sources inside the cluster are usual.
 * Nothing is retried here. undici is loaded with the first request, so that other sources do not pay
 * for it.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Agent, Dispatcher } from 'undici';
import { translate } from './failures.ts';

export interface Patience {
  readonly connectMs: number;
  /** Until the first byte of an answer. */
  readonly answerMs: number;
  /** Without a byte in the middle of the content, while we want more. */
  readonly silenceMs: number;
}

/** Less than a minute together: a worker that reads holds a transaction which may rest for so long. */
export const defaultPatience: Patience = { connectMs: 10_000, answerMs: 20_000, silenceMs: 20_000 };

export interface HttpPlace {
  readonly url: URL;
  /** What messages call the source: without credentials, query and fragment. */
  readonly label: string;
  dispatcher(): Promise<Dispatcher>;
}

export interface HttpPlaceOptions {
  readonly url: string;
  /** PEM certificates to trust beside the usual ones; asked for at each request. */
  readonly caBundle?: () => string | undefined;
  readonly patience?: Patience;
}

export function httpPlace(options: HttpPlaceOptions): HttpPlace {
  const url = parseAddress(options.url);
  let current: { readonly bundle: string | undefined; readonly opened: Promise<Agent> } | undefined;
  return {
    url,
    label: labelOf(url),
    dispatcher: async () => {
      const bundle = options.caBundle?.();
      if (current === undefined || current.bundle !== bundle) {
        // Requests in flight on the old one end by themselves.
        current?.opened.then((agent) => agent.close()).catch(() => undefined);
        current = { bundle, opened: opened(bundle, options.patience ?? defaultPatience) };
      }
      return await current.opened;
    },
  };
}

export function labelOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** The API server refuses these too; a pod configuration may be older than that rule. */
function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && !hasCredentials(url)) return url;
  throw new Permanent(
    'SourceUnreadable',
    'spec.source.http.url is no http or https address without credentials; correct it in a new import.',
    { backend: 'source' },
  );
}

function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

async function opened(bundle: string | undefined, patience: Patience): Promise<Agent> {
  const { openAgent } = await import('./agent.ts');
  return openAgent(bundle, patience);
}

export interface Answer {
  readonly status: number;
  header(name: string): string | undefined;
  /** The content; whoever does not want all of it ends the iteration or calls `drop`. */
  body(): AsyncGenerator<Buffer, void, undefined>;
  drop(): void;
}

const redirectsMax = 5;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export async function get(place: HttpPlace, ask: Ask = {}): Promise<Answer> {
  let { url } = place;
  for (let hops = 0; hops <= redirectsMax; hops += 1) {
    const answer = await getOnce(place, url, ask);
    if (!redirects.has(answer.status)) return answer;
    answer.drop();
    url = nextAddress(url, answer.header('location'), place.label);
  }
  throw badRedirect(place.label, `redirects more than ${redirectsMax} times`);
}

function nextAddress(from: URL, location: string | undefined, label: string): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw badRedirect(label, 'redirects to nowhere');
  }
  const to = new URL(location, from);
  if (!/^https?:$/.test(to.protocol) || hasCredentials(to)) {
    throw badRedirect(label, 'redirects to an address that is no http or https address');
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw badRedirect(label, 'redirects from https to http');
  }
  return to;
}

function badRedirect(label: string, what: string): Permanent {
  return new Permanent(
    'SourceUnreadable',
    `${label} ${what}; correct the address in a new import.`,
    {
      backend: 'source',
    },
  );
}

async function getOnce(place: HttpPlace, url: URL, ask: Ask): Promise<Answer> {
  try {
    const { statusCode, headers, body } = await (
      await place.dispatcher()
    ).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'GET',
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': 'millrace',
        ...ask.headers,
      },
      ...(ask.signal === undefined ? {} : { signal: ask.signal }),
    });
    // Content that is given up ends with an error, which nobody waits for.
    body.on('error', () => undefined);
    return {
      status: statusCode,
      header: (name) => {
        const value = headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      body: () => contentOf(body, place.label),
      drop: () => {
        body.destroy();
      },
    };
  } catch (error) {
    throw translate(error, place.label);
  }
}

async function* contentOf(
  body: AsyncIterable<Buffer>,
  label: string,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    throw translate(error, label);
  }
}
