/**
 * The API server of the test run as plain HTTP on loopback, through `kubectl proxy`: its answers
 * word for word, without a client in between that would sort them into failures.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { givenCluster } from '../../operator/test/real-cluster.ts';

export interface Answer {
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RawServer extends AsyncDisposable {
  send(method: string, path: string, body?: object): Promise<Answer>;
}

/** Everything is sent under strict field validation. PATCH sends a merge patch. */
export async function rawServer(): Promise<RawServer> {
  const { kubectl, kubeconfig } = givenCluster();
  const args = ['--kubeconfig', kubeconfig, 'proxy', '--port=0', '--reject-methods=^$'];
  const child = spawn(kubectl, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new Error(`kubectl proxy ended with ${code}`));
    });
    createInterface(child.stdout).once('line', (line) => {
      resolve(line.replace(/^Starting to serve on /, ''));
    });
  });
  return {
    async send(method, path, body) {
      const separator = path.includes('?') ? '&' : '?';
      const response = await fetch(`http://${address}${path}${separator}fieldValidation=Strict`, {
        method,
        headers: { 'content-type': contentType(method) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { code: response.status, body: (await response.json()) as Answer['body'] };
    },
    async [Symbol.asyncDispose]() {
      child.removeAllListeners('exit');
      child.kill();
      await once(child, 'close');
    },
  };
}

function contentType(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}
