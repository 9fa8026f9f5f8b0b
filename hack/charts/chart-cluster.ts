/**
 * An API server of its own for the tests of the chart: they install, change and remove definitions,
 * which the server that other tests share must keep.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stringify } from 'yaml';

import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { execute, openHelm, type HelmResult } from './helm.ts';
import type { Manifest } from './rendered.ts';

export interface ChartCluster extends AsyncDisposable {
  /** For files of the test; gone afterwards. */
  readonly folder: string;
  helm(...args: readonly string[]): Promise<HelmResult>;
  /** Throws with what was said when the exit code is not 0. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** One object as JSON, or undefined. */
  get(resource: string, name: string, namespace?: string): Promise<Manifest | undefined>;
  namespaces(...names: readonly string[]): Promise<void>;
  /** Whether RBAC lets an account do this, as `kubectl auth can-i` answers. */
  canI(account: string, ...what: readonly string[]): Promise<boolean>;
  /** A kubeconfig with the token of an account and nothing else. */
  kubeconfigOf(account: string, namespace: string): Promise<string>;
}

export async function startChartCluster(helmProgram: string): Promise<ChartCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chart-'));
  const log = (): void => undefined;
  const options = { tier: 'b', stateDir: join(folder, 'state'), env: process.env, log } as const;
  const plane = await startControlPlane(options);
  const helm = await openHelm(helmProgram);
  const env = { ...process.env, KUBECONFIG: plane.kubeconfig, KUBECACHEDIR: join(folder, 'kube') };
  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const { exitCode, stdout, stderr } = await execute(plane.kubectl, args, { env, input });
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  return {
    folder,
    helm: (...args) => helm.call(args, { KUBECONFIG: plane.kubeconfig }),
    kubectl,
    ...questions(kubectl),
    kubeconfigOf: async (account, namespace) => {
      const token = await kubectl(['create', 'token', account, `--namespace=${namespace}`]);
      const file = join(folder, `kubeconfig-${account}`);
      await writeFile(file, kubeconfigText(plane, { token: token.trim(), namespace }));
      return file;
    },
    [Symbol.asyncDispose]: async () => {
      await plane.stop();
      await helm[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

type Kubectl = ChartCluster['kubectl'];

function questions(kubectl: Kubectl): Pick<ChartCluster, 'get' | 'namespaces' | 'canI'> {
  return {
    get: async (resource, name, namespace = 'default') => {
      const which = [resource, name, `--namespace=${namespace}`, '--ignore-not-found'];
      const text = await kubectl(['get', ...which, '--output=json']);
      return text === '' ? undefined : (JSON.parse(text) as Manifest);
    },
    namespaces: async (...names) => {
      for (const name of names) await kubectl(['create', 'namespace', name]);
    },
    canI: async (account, ...what) => {
      const asked = ['auth', 'can-i', `--as=${account}`, ...what];
      // The exit code says the same as the word, and would be an error here.
      const answer = await kubectl(asked).catch((error: unknown) => String(error));
      return answer.trim() === 'yes';
    },
  };
}

interface Identity {
  readonly token: string;
  readonly namespace: string;
}

function kubeconfigText(
  { server, caFile }: Pick<ControlPlane, 'server' | 'caFile'>,
  { token, namespace }: Identity,
): string {
  const name = 'it';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
  });
}
