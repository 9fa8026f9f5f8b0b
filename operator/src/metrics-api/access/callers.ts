/**
 * Who a request comes from: the user that a front proxy names, or the owner of a bearer token.
 *
 * A proxy is believed for what its own connection has shown. Headers that name a user are otherwise
 * as if they were not there, so a request that brings nothing else comes from nobody.
 */
import { isFrontProxy, userInHeaders, type FrontProxyTrust, type Headers } from './front-proxy.ts';
import type { Reviews } from './reviews.ts';
import type { User } from './user.ts';

export interface Peer {
  /** Common name of the client certificate, if TLS has verified one against the authorities in `trust`. */
  readonly commonName: string | undefined;
}

export interface CallersOptions {
  readonly trust: () => FrontProxyTrust | undefined;
  readonly reviews: Pick<Reviews, 'userOf'>;
}

export class Callers {
  readonly #options: CallersOptions;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /** Undefined for nobody. */
  async callerOf(headers: Headers, peer: Peer): Promise<User | undefined> {
    const trust = this.#options.trust();
    const { commonName } = peer;
    if (trust !== undefined && commonName !== undefined && isFrontProxy(trust, commonName)) {
      const user = userInHeaders(trust, headers);
      if (user !== undefined) return authenticated(user);
    }
    const token = /^bearer +(?<token>[^ ]+) *$/i.exec(headers['authorization']?.[0] ?? '');
    const given = token?.groups?.['token'];
    return given === undefined ? undefined : await this.#options.reviews.userOf(given);
  }
}

/**
 * Every server of the API adds this group itself: a proxy does not name it for its own requests, and
 * the rights to discovery are bound to it.
 */
function authenticated(user: User): User {
  const isSaid = user.groups.some((each) => stands.has(each)) || user.username === anonymous;
  return isSaid ? user : { ...user, groups: [...user.groups, everybody] };
}

const everybody = 'system:authenticated';
const anonymous = 'system:anonymous';
const stands: ReadonlySet<string> = new Set([everybody, 'system:unauthenticated']);
