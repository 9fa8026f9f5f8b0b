/** Quotes an identifier for SQL; the only place in the data plane where one is. */
import { Fault } from '@millrace/kit/fault';

/** Postgres cuts longer names silently, and two names cut alike would be one table. */
const identifierBytesMax = 63;

export function sqlIdentifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > identifierBytesMax) {
    throw new Fault('an identifier is empty, too long or holds a NUL byte');
  }
  return `"${name.replaceAll('"', '""')}"`;
}
