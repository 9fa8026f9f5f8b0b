/**
 * The connections of web sources. In a module of its own, so that undici is loaded by whom it serves:
 * it is CommonJS, of which a bundle has nothing but `default` where it is imported when needed.
 */
import { getCACertificates } from 'node:tls';
import { Agent } from 'undici';
import type { Patience } from './client.ts';

/** A few: one reads, one checks the version, one is being given up. */
const connectionsMax = 4;

export function openAgent(
  bundle: string | undefined,
  { connectMs, answerMs, silenceMs }: Patience,
): Agent {
  const trust = bundle === undefined ? {} : { ca: [...getCACertificates('default'), bundle] };
  return new Agent({
    // A black-holed HTTP/2 connection goes unnoticed for minutes.
    allowH2: false,
    connections: connectionsMax,
    connect: { timeout: connectMs, ...trust },
    headersTimeout: answerMs,
    bodyTimeout: silenceMs,
  });
}
