/**
 * One authority and one certificate of it, for a server that its clients know by these names.
 *
 * The authority's key signs once and is forgotten: who reads the Secret can pass for this server and
 * for no other. A new certificate therefore always comes with a new authority, and clients are told
 * of that one before it is used (see rotation.ts). Keys are EC P-256, signatures ECDSA with SHA-256.
 */
import { webcrypto } from 'node:crypto';
import './metadata-reflection.ts';

/** All PEM. */
export interface Issued {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DNS names; the first is also the certificate's common name, so it has at most 64 characters. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly lifeMs: number;
}

/** Servers and clients may disagree about the time by this much. */
const slackMs = 60 * 60_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const serverAuthentication = '1.3.6.1.5.5.7.3.1';
const commonNameMax = 64;

export async function issue({ names, now, lifeMs }: IssueOptions): Promise<Issued> {
  // Loaded when there is something to issue, once in two months: it takes a few megabytes.
  const { x509 } = await import('./x509.ts');
  const authorityKeys = await newKeys();
  const keys = await newKeys();
  const validity = { notBefore: new Date(now - slackMs), notAfter: new Date(now + lifeMs) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['millrace-metrics-api-ca'] }],
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [(names[0] ?? '').slice(0, commonNameMax)] }],
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuthentication], false),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: 'dns' as const, value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    authority: `${authority.toString('pem')}\n`,
    certificate: `${certificate.toString('pem')}\n`,
    key: await keyText(keys.privateKey),
  };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function keyText(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
