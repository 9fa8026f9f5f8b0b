/** Certificates for `localhost` as servers have them, good and bad, each of an authority of its own. */
import { webcrypto } from 'node:crypto';
import { issue, type Issued } from '@millrace/operator/metrics-api/certificates/issue';
import { x509 } from '@millrace/operator/metrics-api/certificates/x509';

const hourMs = 3_600_000;

export async function goodCertificate(): Promise<Issued> {
  return await issue({ names: ['localhost'], now: Date.now(), lifeMs: hourMs });
}

export async function certificateForAnotherName(): Promise<Issued> {
  return await issue({ names: ['store.example'], now: Date.now(), lifeMs: hourMs });
}

export async function expiredCertificate(): Promise<Issued> {
  return await issue({ names: ['localhost'], now: Date.now() - 2 * hourMs, lifeMs: hourMs });
}

/** Its own authority, but not one that may sign anything. */
export async function selfSignedCertificate(): Promise<Issued> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['localhost'] }],
    keys,
    signingAlgorithm,
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + hourMs),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  const pem = `${certificate.toString('pem')}\n`;
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    authority: pem,
    certificate: pem,
    key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`,
  };
}
