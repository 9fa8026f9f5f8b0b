import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';

import { describe, expect, it } from 'vitest';

import { authority, leaf } from './x509.ts';

describe('a certificate', () => {
  it('is signed by its authority and belongs to its key', () => {
    const root = authority('root');
    const issued = leaf(root, { subject: { commonName: 'admin' }, usage: 'client' });
    const parsed = new X509Certificate(issued.certificatePem);

    expect(parsed.verify(new X509Certificate(root.certificatePem).publicKey)).toBe(true);
    expect(parsed.verify(new X509Certificate(authority('root').certificatePem).publicKey)).toBe(
      false,
    );
    expect(parsed.checkPrivateKey(createPrivateKey(issued.keyPem))).toBe(true);
  });

  it('carries its names, its group and what it may be used for', () => {
    const issued = leaf(authority('root'), {
      subject: { commonName: 'admin', organization: 'system:masters' },
      usage: 'client',
      dnsNames: ['localhost'],
      addresses: ['127.0.0.1'],
    });
    const parsed = new X509Certificate(issued.certificatePem);

    expect(parsed.subject).toBe('O=system:masters\nCN=admin');
    expect(parsed.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(parsed.ca).toBe(false);
    expect(new X509Certificate(authority('root').certificatePem).ca).toBe(true);
  });

  it('serves TLS to a client that trusts the authority, and both see whom they talk to', async () => {
    const root = authority('root');
    const served = leaf(root, {
      subject: { commonName: 'server' },
      usage: 'server',
      addresses: ['127.0.0.1'],
    });
    const client = leaf(root, { subject: { commonName: 'client' }, usage: 'client' });
    const ca = root.certificatePem;
    const server = createServer({
      ca,
      cert: served.certificatePem,
      key: served.keyPem,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'secureConnection');

    const socket = connect({
      host: '127.0.0.1',
      port,
      ca,
      cert: client.certificatePem,
      key: client.keyPem,
    });
    await once(socket, 'secureConnect');
    const [peer] = (await accepted) as [TLSSocket];

    expect(socket.authorized).toBe(true);
    expect(peer.getPeerCertificate().subject.CN).toBe('client');
    socket.destroy();
    server.close();
  });
});
