/**
 * The few X.509 certificates that a control plane on loopback needs, issued in process.
 *
 * Node can read certificates but not make them; the encoding is small enough to write down, and it
 * spares every host a particular openssl and every start half a second. Keys are EC P-256 and
 * signatures ECDSA with SHA-256. This is for throw-away clusters: no revocation, no renewal.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

export interface Certified {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Authority extends Certified {
  readonly subject: Subject;
  readonly key: KeyObject;
}

export interface LeafOptions {
  readonly subject: Subject;
  readonly usage: 'server' | 'client';
  readonly dnsNames?: readonly string[];
  /** IPv4 only. */
  readonly addresses?: readonly string[];
}

const validDays = 365;
const dayMs = 86_400_000;

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

const objectIds = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthBytes(body.length), body]);
}

/** Context-specific tags: what they mean depends on where they stand. */
const context = (number: number, isConstructed: boolean): number =>
  0x80 | (isConstructed ? 0x20 : 0) | number;

/** The first two numbers share a byte; the others are base 128, with the high bit on all but the last. */
function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const digits = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(tags.objectId, Buffer.from(bytes));
}

function name({ commonName, organization }: Subject): Buffer {
  const attribute = (id: string, value: string): Buffer =>
    der(tags.set, der(tags.sequence, objectId(id), der(tags.utf8, Buffer.from(value))));
  return der(
    tags.sequence,
    ...(organization === undefined ? [] : [attribute(objectIds.organization, organization)]),
    attribute(objectIds.commonName, commonName),
  );
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(tags.utcTime, Buffer.from(digits.slice(2)));
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(tags.boolean, Buffer.from([0xff]))] : [];
  return der(tags.sequence, objectId(id), ...critical, der(tags.octetString, value));
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function authorityExtensions(): readonly Buffer[] {
  const isAuthority = der(tags.sequence, der(tags.boolean, Buffer.from([0xff])));
  // One unused bit, then keyCertSign and cRLSign.
  const usage = der(tags.bitString, Buffer.from([1, 0b0000_0110]));
  return [
    extension(objectIds.basicConstraints, isAuthority, true),
    extension(objectIds.keyUsage, usage, true),
  ];
}

function leafExtensions({ usage, dnsNames = [], addresses = [] }: LeafOptions): readonly Buffer[] {
  // Seven unused bits, then digitalSignature.
  const signing = der(tags.bitString, Buffer.from([7, 0b1000_0000]));
  const names = [
    ...dnsNames.map((text) => der(context(2, false), Buffer.from(text))),
    ...addresses.map((text) => der(context(7, false), Buffer.from(text.split('.').map(Number)))),
  ];
  return [
    extension(objectIds.keyUsage, signing, true),
    extension(objectIds.extendedKeyUsage, der(tags.sequence, objectId(objectIds[usage]))),
    ...(names.length === 0
      ? []
      : [extension(objectIds.subjectAltName, der(tags.sequence, ...names))]),
  ];
}

interface Request {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly subject: Subject; readonly key: KeyObject };
  readonly extensions: readonly Buffer[];
}

function pem(body: Buffer): string {
  const lines = body.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function certificate({ subject, publicKey, issuer, extensions }: Request): string {
  const algorithm = der(tags.sequence, objectId(objectIds.ecdsaWithSha256));
  const now = Date.now();
  // The first bit stays clear, or the serial number would be negative.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const issuerKeyId = der(context(0, false), keyId(createPublicKey(issuer.key)));
  const signed = der(
    tags.sequence,
    der(context(0, true), der(tags.integer, Buffer.from([2]))),
    der(tags.integer, serial),
    algorithm,
    name(issuer.subject),
    // A day of slack for clocks that differ.
    der(tags.sequence, time(now - dayMs), time(now + validDays * dayMs)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      context(3, true),
      der(
        tags.sequence,
        ...extensions,
        extension(objectIds.subjectKeyId, der(tags.octetString, keyId(publicKey))),
        extension(objectIds.authorityKeyId, der(tags.sequence, issuerKeyId)),
      ),
    ),
  );
  const signature = sign('sha256', signed, issuer.key);
  return pem(
    der(tags.sequence, signed, algorithm, der(tags.bitString, Buffer.from([0]), signature)),
  );
}

/** A private key as PEM, readable by Go, Node and openssl alike. */
export function newKey(): { readonly key: KeyObject; readonly pem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key: privateKey, pem: privateKey.export({ type: 'sec1', format: 'pem' }).toString() };
}

export function authority(commonName: string): Authority {
  const { key, pem: keyPem } = newKey();
  const subject = { commonName };
  const certificatePem = certificate({
    subject,
    publicKey: createPublicKey(key),
    issuer: { subject, key },
    extensions: authorityExtensions(),
  });
  return { subject, key, keyPem, certificatePem };
}

export function leaf(issuer: Authority, options: LeafOptions): Certified {
  const { key, pem: keyPem } = newKey();
  const certificatePem = certificate({
    subject: options.subject,
    publicKey: createPublicKey(key),
    issuer,
    extensions: leafExtensions(options),
  });
  return { keyPem, certificatePem };
}
