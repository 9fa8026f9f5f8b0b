/**
 * What we show the server: its CA to trust, our certificate, our token. All of it may change under a
 * running process.
 *
 * Files are read again at most every minute, and at once after the server refused us (`refused`).
 * The TLS settings keep their identity while their content is the same, so that the transport knows
 * by comparison when to open new connections. A file that cannot be read later on leaves the last
 * content in use: whether that is still good is for the server to say.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '@millrace/kit/clock';
import { KubeFailure } from '../machinery/kube-failure.ts';
import type { Connection, Credentials, Text } from './connection.ts';
import { execCredential } from './exec-credential.ts';
import { providerAuthorization } from './provider-credential.ts';

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Presented {
  readonly authorization: string | undefined;
  readonly tls: TlsMaterial;
}

interface Credential {
  readonly authorization?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Milliseconds since the epoch, where the credential says when it ends. */
  readonly expiresAt?: number | undefined;
}

/** Service account tokens are replaced at 80 % of an hour, so a minute late is early enough. */
const freshMs = 60_000;

export class Identity {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #current: Presented | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #isRefused = false;
  #expiresAt: number | undefined;
  #reading: Promise<Presented> | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Callers that come while files are read share the one reading. */
  async current(): Promise<Presented> {
    if (this.#current !== undefined && this.#isFresh()) return this.#current;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return await this.#reading;
  }

  /** The server knows us no more: the next call reads again and asks any plugin anew. */
  refused(): void {
    this.#isRefused = true;
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  /** No connection came about, for which a replaced CA may be the reason: read the files again. */
  suspect(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  #isFresh(): boolean {
    const isOver = this.#expiresAt !== undefined && this.#clock.now() >= this.#expiresAt;
    return !isOver && this.#clock.monotonic() - this.#readAt < freshMs;
  }

  async #read(): Promise<Presented> {
    const before = this.#current;
    const isRefused = this.#isRefused;
    this.#isRefused = false;
    try {
      const credential = await this.#credential(isRefused);
      const tls = await this.#material(credential);
      const isSame = before !== undefined && JSON.stringify(before.tls) === JSON.stringify(tls);
      this.#expiresAt = credential.expiresAt;
      this.#current = {
        authorization: credential.authorization,
        tls: isSame ? before.tls : tls,
      };
    } catch (error) {
      if (before === undefined) {
        const message = 'the credentials for the API server cannot be read';
        throw new KubeFailure('Unauthorized', message, { cause: error });
      }
      this.#expiresAt = undefined;
    }
    this.#readAt = this.#clock.monotonic();
    // Set in both branches: either just now or by an earlier reading.
    return this.#current ?? { authorization: undefined, tls: {} };
  }

  /** A plugin is a process and is not started again while its credential lasts. */
  async #credential(isRefused: boolean): Promise<Credential> {
    const { credentials } = this.#connection;
    const isLasting = this.#expiresAt === undefined || this.#clock.now() < this.#expiresAt;
    if (credentials.type === 'exec' && !isRefused && isLasting && this.#current !== undefined) {
      const { authorization, tls } = this.#current;
      return { authorization, cert: tls.cert, key: tls.key, expiresAt: this.#expiresAt };
    }
    return await readCredential(credentials, this.#connection.server);
  }

  async #material(credential: Credential): Promise<TlsMaterial> {
    const { ca, certificate, key, serverName, isInsecure } = this.#connection.tls;
    const own = {
      ca: await contentOf(ca),
      cert: credential.cert ?? (await contentOf(certificate)),
      key: credential.key ?? (await contentOf(key)),
    };
    return {
      ...(own.ca === undefined ? {} : { ca: own.ca }),
      ...(own.cert === undefined ? {} : { cert: own.cert }),
      ...(own.key === undefined ? {} : { key: own.key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(isInsecure === true ? { rejectUnauthorized: false } : {}),
    };
  }
}

async function readCredential(credentials: Credentials, server: string): Promise<Credential> {
  switch (credentials.type) {
    case 'none':
      return {};
    case 'token': {
      const token = (await contentOf(credentials.token)) ?? '';
      return { authorization: `Bearer ${token.trim()}` };
    }
    case 'basic': {
      const pair = `${credentials.username}:${credentials.password}`;
      return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    }
    case 'exec':
      return await execCredential(credentials.plugin, server);
    case 'provider':
      return { authorization: await providerAuthorization(credentials) };
  }
}

async function contentOf(text: Text | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  return 'text' in text ? text.text : await readFile(text.file, 'utf8');
}
