/**
 * Whom an API server in front says it speaks for, and when that is believed.
 *
 * A cluster publishes in ConfigMap kube-system/extension-apiserver-authentication which authority
 * signs for its front proxies, which common names they have, and in which headers they name the user.
 * Pure: that a connection has shown a certificate of that authority is found out by TLS. Without such
 * a certificate the headers are nobody's, whatever is in them; so they are without the ConfigMap.
 */
import type { KubeObject, ObjectRef, ResourceType } from '../../machinery/kube-api.ts';
import { certificateOf } from '../certificates/bundle.ts';
import type { User } from './user.ts';

export const authenticationConfig: ObjectRef & { readonly type: ResourceType } = {
  type: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  namespace: 'kube-system',
  name: 'extension-apiserver-authentication',
};

export interface FrontProxyTrust {
  /** PEM, one or more. */
  readonly authorities: string;
  /** Common names; empty stands for any, as in Kubernetes. */
  readonly allowedNames: readonly string[];
  /** Header names in lower case, in order of precedence. */
  readonly userHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/** Undefined where the cluster has no front proxy, or what it says of it cannot be read. */
export function frontProxyTrust(config: KubeObject | undefined): FrontProxyTrust | undefined {
  const data = (config?.['data'] ?? {}) as Readonly<Record<string, string>>;
  const authorities = data['requestheader-client-ca-file'] ?? '';
  const list = (key: string) => namesIn(data[`requestheader-${key}`]);
  const allowedNames = list('allowed-names');
  const userHeaders = list('username-headers');
  // A list of names that cannot be read must not be taken for the empty one, which allows any.
  if (allowedNames === undefined || userHeaders === undefined || userHeaders.length === 0) return;
  if (!areCertificates(authorities)) return;
  return {
    authorities,
    allowedNames,
    userHeaders: lowered(userHeaders),
    uidHeaders: lowered(list('uid-headers') ?? []),
    groupHeaders: lowered(list('group-headers') ?? []),
    extraPrefixes: lowered(list('extra-headers-prefix') ?? []),
  };
}

/** Whether the certificate, which TLS has verified, is one of a front proxy. */
export function isFrontProxy(trust: FrontProxyTrust, commonName: string): boolean {
  return trust.allowedNames.length === 0 || trust.allowedNames.includes(commonName);
}

/** Undefined when the headers name nobody. */
export function userInHeaders(trust: FrontProxyTrust, headers: Headers): User | undefined {
  const first = (names: readonly string[]) =>
    names.map((name) => headers[name]?.[0]).find((value) => value !== undefined && value !== '');
  const username = first(trust.userHeaders);
  if (username === undefined) return undefined;
  const uid = first(trust.uidHeaders);
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: trust.groupHeaders.flatMap((name) => headers[name] ?? []).filter((name) => name !== ''),
    extra: extraIn(trust, headers),
  };
}

/** All of them: TLS would refuse the whole bundle for one that it cannot read. */
function areCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
  return blocks.length > 0 && blocks.every((block) => certificateOf(block) !== undefined);
}

function extraIn(trust: FrontProxyTrust, headers: Headers): User['extra'] {
  const extra = new Map<string, readonly string[]>();
  for (const [name, values = []] of Object.entries(headers)) {
    const prefix = trust.extraPrefixes.find((each) => name.startsWith(each));
    if (prefix === undefined || name.length === prefix.length) continue;
    const key = unescaped(name.slice(prefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...values]);
  }
  return Object.fromEntries(extra);
}

/** Keys may have characters that a header's name must not; a proxy then writes them with per cent. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** A list as JSON; absent is empty. Undefined for what is no such list. */
function namesIn(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return [];
  try {
    const names: unknown = JSON.parse(text);
    const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
    return isList ? names : undefined;
  } catch {
    return undefined;
  }
}

function lowered(names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase());
}
