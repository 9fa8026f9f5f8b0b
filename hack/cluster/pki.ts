/**
 * Who is who in one control plane: its authorities, certificates, the token of the administrator and
 * the kubeconfig files. All of it is made anew with every start and lives in the cluster's folder,
 * readable by its owner alone.
 */
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { stringify } from 'yaml';

import { nodeName, type Network } from './network.ts';
import { authority, leaf, newKey, type Authority, type Certified, type Subject } from './x509.ts';

/** Where each file of a cluster is; the paths follow from the folder alone. */
export interface ClusterFiles {
  readonly root: string;
  readonly pki: string;
  /** The administrator's, with everything inside it. */
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
}

export function clusterFiles(root: string): ClusterFiles {
  const pki = join(root, 'pki');
  return {
    root,
    pki,
    kubeconfig: join(root, 'kubeconfig'),
    caFile: join(pki, 'ca.crt'),
    adminTokenFile: join(root, 'admin-token'),
  };
}

async function writePrivate(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
}

async function writePair(folder: string, name: string, pair: Certified): Promise<void> {
  await writePrivate(join(folder, `${name}.crt`), pair.certificatePem);
  await writePrivate(join(folder, `${name}.key`), pair.keyPem);
}

interface KubeconfigOptions {
  readonly server: string;
  readonly ca: Authority;
  readonly client: Certified;
}

/** Everything is inside the file, so that a copy of it works from anywhere on this host. */
function kubeconfig({ server, ca, client }: KubeconfigOptions): string {
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  const user = {
    'client-certificate-data': data(client.certificatePem),
    'client-key-data': data(client.keyPem),
  };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'millrace',
        cluster: { server, 'certificate-authority-data': data(ca.certificatePem) },
      },
    ],
    users: [{ name: 'millrace', user }],
    contexts: [{ name: 'millrace', context: { cluster: 'millrace', user: 'millrace' } }],
    'current-context': 'millrace',
  });
}

interface Issuing {
  readonly files: ClusterFiles;
  readonly ca: Authority;
  readonly network: Network;
}

async function writeServing({ files, ca, network }: Issuing): Promise<void> {
  const serving = leaf(ca, {
    subject: { commonName: 'kube-apiserver' },
    usage: 'server',
    dnsNames: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
    addresses: [...new Set(['127.0.0.1', network.address]), network.kubernetesAddress],
  });
  await writePair(files.pki, 'apiserver', serving);
  // Extension API servers trust this second authority, and no other, to say who the caller is.
  const proxyCa = authority('front-proxy');
  const proxy = leaf(proxyCa, { subject: { commonName: 'front-proxy-client' }, usage: 'client' });
  await writePrivate(join(files.pki, 'front-proxy-ca.crt'), proxyCa.certificatePem);
  await writePair(files.pki, 'front-proxy-client', proxy);
}

async function writeServiceAccountKeys(pki: string): Promise<void> {
  const { key, pem } = newKey();
  await writePrivate(join(pki, 'service-account.key'), pem);
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  await writePrivate(join(pki, 'service-account.pub'), publicPem);
}

/** Who the kubelet is to those that ask it for logs, and who the API server is to it. */
async function writeNode({ files, ca, network }: Issuing): Promise<void> {
  const serving = leaf(ca, {
    subject: { commonName: nodeName },
    usage: 'server',
    dnsNames: [nodeName],
    addresses: [network.address],
  });
  await writePair(files.pki, 'kubelet', serving);
  const subject = { commonName: 'kube-apiserver', organization: 'system:masters' };
  await writePair(files.pki, 'apiserver-kubelet', leaf(ca, { subject, usage: 'client' }));
}

const controlPlaneClients: Readonly<Record<string, Subject>> = {
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
};

const nodeClients: Readonly<Record<string, Subject>> = {
  kubelet: { commonName: `system:node:${nodeName}`, organization: 'system:nodes' },
  'kube-proxy': { commonName: 'system:kube-proxy' },
  // It has no role of its own to be bound to, and whoever may read its key may read the cluster's.
  coredns: { commonName: 'coredns', organization: 'system:masters' },
};

/** Writes all of it for a server at that address. */
export async function writeIdentities(
  files: ClusterFiles,
  network: Network,
  server: string,
): Promise<void> {
  await mkdir(files.pki, { recursive: true, mode: 0o700 });
  const ca = authority('millrace-cluster');
  await writePair(files.pki, 'ca', ca);
  await writeServing({ files, ca, network });
  await writeServiceAccountKeys(files.pki);
  if (network.node !== undefined) await writeNode({ files, ca, network });

  const admin: Subject = { commonName: 'admin', organization: 'system:masters' };
  const named = { ...controlPlaneClients, ...(network.node === undefined ? {} : nodeClients) };
  const clients = [
    [files.kubeconfig, admin] as const,
    ...Object.entries(named).map(
      ([name, subject]) => [join(files.pki, `${name}.kubeconfig`), subject] as const,
    ),
  ];
  for (const [path, subject] of clients) {
    await writePrivate(
      path,
      kubeconfig({ server, ca, client: leaf(ca, { subject, usage: 'client' }) }),
    );
  }
  const token = randomBytes(24).toString('hex');
  await writePrivate(files.adminTokenFile, token);
  await writePrivate(join(files.pki, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`);
}
