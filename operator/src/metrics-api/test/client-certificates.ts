/** An authority that signs for clients, as a cluster has one for its front proxies. */
import { webcrypto } from 'node:crypto';
import '../certificates/metadata-reflection.ts';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface ClientAuthority {
  readonly pem: string;
  client(commonName: string): Promise<ClientCertificate>;
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

export async function clientAuthority(): Promise<ClientAuthority> {
  const authorityKeys = await newKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=front-proxy-ca',
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  return {
    pem: authority.toString('pem'),
    client: async (commonName) => {
      const keys = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        subject: [{ CN: [commonName] }],
        issuer: authority.subjectName,
        publicKey: keys.publicKey,
        signingKey: authorityKeys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'], false)],
      });
      const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      const key = x509.PemConverter.encode(der, 'PRIVATE KEY');
      return { cert: certificate.toString('pem'), key };
    },
  };
}
