/**
 * What is kept in the Secret, read and written: the certificate that is served, the one that will be
 * from some time on, and the authority that was before. Pure.
 *
 * Beside them is `authorities.crt`, for people and programs that have to be given what to trust: all
 * authorities in one file. It is written and never read. A Secret that cannot be read as a whole is no
 * bundle: half of one must never be served.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { Issued } from './issue.ts';

export interface Bundle {
  readonly current: Issued;
  readonly next?: { readonly issued: Issued; readonly from: number };
  /** PEM of the authority before the current one: another replica may still serve what it signed. */
  readonly previousAuthority?: string;
}

type Data = Readonly<Record<string, string>>;

/** Undefined when something is missing, unreadable, or does not belong together. */
export function bundleOf(secret: KubeObject): Bundle | undefined {
  const data = decoded(secret['data']);
  const current = issuedOf(data, '');
  if (current === undefined) return undefined;
  const issued = issuedOf(data, 'next-');
  const from = Date.parse(data['next-from'] ?? '');
  const next = issued === undefined || Number.isNaN(from) ? {} : { next: { issued, from } };
  const previous = data['previous-ca.crt'];
  const isReadable = previous !== undefined && certificateOf(previous) !== undefined;
  return { current, ...next, ...(isReadable ? { previousAuthority: previous } : {}) };
}

/** The whole data of the Secret; null takes a key out that a merge patch would leave. */
export function dataOf(bundle: Bundle): Readonly<Record<string, string | null>> {
  const { current, next, previousAuthority } = bundle;
  return {
    ...fields('', current),
    ...fields('next-', next?.issued),
    'next-from': next === undefined ? null : base64(new Date(next.from).toISOString()),
    'previous-ca.crt': previousAuthority === undefined ? null : base64(previousAuthority),
    'authorities.crt': base64(authoritiesOf(bundle).join('')),
  };
}

/** PEM of the authorities of all that any replica may serve, or will. */
export function authoritiesOf({ current, next, previousAuthority }: Bundle): readonly string[] {
  const all = [current.authority, next?.issued.authority, previousAuthority];
  return all.filter((pem) => pem !== undefined);
}

/** Undefined for text that is no certificate. */
export function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function fields(prefix: string, issued: Issued | undefined): Record<string, string | null> {
  const encoded = (text: string | undefined) => (text === undefined ? null : base64(text));
  return {
    [`${prefix}tls.crt`]: encoded(issued?.certificate),
    [`${prefix}tls.key`]: encoded(issued?.key),
    [`${prefix}ca.crt`]: encoded(issued?.authority),
  };
}

function issuedOf(data: Data, prefix: string): Issued | undefined {
  const certificate = data[`${prefix}tls.crt`] ?? '';
  const key = data[`${prefix}tls.key`] ?? '';
  const authority = data[`${prefix}ca.crt`] ?? '';
  const [leaf, issuer] = [certificateOf(certificate), certificateOf(authority)];
  if (leaf === undefined || issuer === undefined) return undefined;
  if (!leaf.verify(issuer.publicKey) || !belongs(key, leaf)) return undefined;
  return { certificate, key, authority };
}

function belongs(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function decoded(data: unknown): Data {
  if (typeof data !== 'object' || data === null) return {};
  const texts = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(String(value), 'base64').toString('utf8'),
  ]);
  return Object.fromEntries(texts) as Data;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
