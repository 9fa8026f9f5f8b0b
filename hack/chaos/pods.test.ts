import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ownIdentity } from '../backends/process-identity.ts';
import { connectionsTo, ownerOfPort } from './pods.ts';

test.runIf(process.platform === 'linux')(
  'connections to a process are counted, and its own port tells which process it is',
  async () => {
    const own = ownIdentity();
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const before = connectionsTo(own);

    const accepted = once(server, 'connection');
    const client = connect(port, '127.0.0.1');
    await Promise.all([accepted, once(client, 'connect')]);
    const during = connectionsTo(own);
    const owner = ownerOfPort(client.localPort ?? 0, [{ pid: 1, startedAt: '' }, own]);
    client.destroy();
    server.close();

    expect(during - before).toBe(1);
    expect(owner).toBe(own);
    expect(ownerOfPort(1, [own])).toBeUndefined();
  },
);
