/**
 * When certificates are renewed, and which is served meanwhile. Pure; the time is an argument.
 *
 *   served ──2/3 of its life──▶ the next one is announced: clients are told of its authority
 *   announced ──a week──▶ it takes the place of the current one; the authority before it stays trusted
 *
 * Replicas need not agree on anything but the Secret: all serve what it names as current, and clients
 * trust the authorities of all that any replica may still serve. So there is no moment at which a
 * client meets a certificate that it was not told of, unless the Secret was unusable: then a new one is
 * served at once, which is the shortest way out.
 */
import type { X509Certificate } from 'node:crypto';
import { authoritiesOf, certificateOf, type Bundle } from './bundle.ts';
import type { Issued } from './issue.ts';

/** A quarter of a year: short for a key that is in a Secret, long against any outage of ours. */
export const lifeMs = 90 * 24 * 60 * 60_000;
/**
 * From the announcement to the use. Aggregators know within seconds; others are given a copy of the
 * authorities by somebody who looks once in a while, and thirty days are left.
 */
const announcedMs = 7 * 24 * 60 * 60_000;
/** Less is left than this: too late for an announcement. */
const hurryMs = 2 * 60 * 60_000;

export type Step = 'keep' | 'announce' | 'promote' | 'replace';

export interface Circumstances {
  readonly now: number;
  /** The names that clients use. */
  readonly names: readonly string[];
}

/** What is to be done with a bundle; without one there is only `replace`. */
export function nextStep(bundle: Bundle, { now, names }: Circumstances): Step {
  if (bundle.next !== undefined && now >= bundle.next.from) return 'promote';
  const served = certificateOf(bundle.current.certificate);
  if (served === undefined || !covers(served, names)) return 'replace';
  const [begins, ends] = lifeOf(served);
  if (now < begins || now > ends - hurryMs) return 'replace';
  const isDue = now >= begins + ((ends - begins) * 2) / 3;
  return isDue && bundle.next === undefined ? 'announce' : 'keep';
}

/** The bundle after a step; `issued` is what was issued for it. */
export function announced(bundle: Bundle, issued: Issued, now: number): Bundle {
  return { ...bundle, next: { issued, from: now + announcedMs } };
}

export function promoted(bundle: Bundle): Bundle {
  const { current, next } = bundle;
  if (next === undefined) return bundle;
  return { current: next.issued, previousAuthority: current.authority };
}

export function replaced(bundle: Bundle | undefined, issued: Issued): Bundle {
  const previous = bundle?.current.authority;
  return { current: issued, ...(previous === undefined ? {} : { previousAuthority: previous }) };
}

/** PEM of every authority that clients have to trust; what has run out is left out. */
export function trustedAuthorities(bundle: Bundle, now: number): string {
  return authoritiesOf(bundle)
    .filter((pem) => isValid(pem, now))
    .join('');
}

/** Milliseconds until the clock alone changes something. */
export function untilNextStep(bundle: Bundle, now: number): number {
  if (bundle.next !== undefined) return Math.max(0, bundle.next.from - now);
  const served = certificateOf(bundle.current.certificate);
  if (served === undefined) return 0;
  const [begins, ends] = lifeOf(served);
  return Math.max(0, begins + ((ends - begins) * 2) / 3 - now);
}

function covers(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => certificate.checkHost(name, { subject: 'never' }) !== undefined);
}

function lifeOf(certificate: X509Certificate): readonly [begins: number, ends: number] {
  return [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
}

function isValid(pem: string, now: number): boolean {
  const certificate = certificateOf(pem);
  return certificate !== undefined && now < lifeOf(certificate)[1];
}
