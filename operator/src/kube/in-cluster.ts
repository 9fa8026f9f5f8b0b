/** The service account that Kubernetes mounts into each pod: its token is rotated within the hour. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from './connection.ts';

type Env = Readonly<Record<string, string | undefined>>;

const mountedAt = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The folder is an argument for tests: nobody can mount one on a development host. */
export async function isInCluster(env: Env, folder = mountedAt): Promise<boolean> {
  if ((env['KUBERNETES_SERVICE_HOST'] ?? '') === '') return false;
  try {
    return (await stat(join(folder, 'token'))).isFile();
  } catch {
    return false;
  }
}

export async function inClusterConnection(env: Env, folder = mountedAt): Promise<Connection> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: await namespaceIn(folder),
    isPod: true,
    tls: { ca: { file: join(folder, 'ca.crt') } },
    credentials: { type: 'token', token: { file: join(folder, 'token') } },
  };
}

async function namespaceIn(folder: string): Promise<string> {
  try {
    return (await readFile(join(folder, 'namespace'), 'utf8')).trim();
  } catch {
    return 'default';
  }
}
