/** Applies manifests to a cluster with kubectl, and waits until the CRDs among them are served. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from '../backends/command.ts';

const crdFolder = fileURLToPath(new URL('../../crds', import.meta.url));

/** The CRDs of Millrace, as generated. */
export async function crdManifests(): Promise<readonly string[]> {
  const names = await readdir(crdFolder);
  return names.filter((name) => name.endsWith('.yaml')).map((name) => join(crdFolder, name));
}

export interface InstallOptions {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly manifests: readonly string[];
}

/** kubectl writes what it discovers below its home unless it is given another place. */
export function kubectlEnvironment(kubeconfig: string): Readonly<Record<string, string>> {
  return { KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}.cache` };
}

export async function applyManifests(options: InstallOptions): Promise<void> {
  const { kubectl, kubeconfig, manifests } = options;
  if (manifests.length === 0) return;
  const env = { ...process.env, ...kubectlEnvironment(kubeconfig) };
  const named = manifests.map((path) => `--filename=${path}`);
  await run(kubectl, ['apply', '--server-side', '--force-conflicts', ...named], { env });
}

/** For definitions: they are served when this is done. */
export async function installManifests(options: InstallOptions): Promise<void> {
  const { kubectl, kubeconfig, manifests } = options;
  if (manifests.length === 0) return;
  const env = { ...process.env, ...kubectlEnvironment(kubeconfig) };
  const named = manifests.map((path) => `--filename=${path}`);
  await applyManifests(options);
  const wait = ['wait', '--for=condition=Established', '--timeout=60s', ...named];
  await run(kubectl, wait, { env, timeoutMs: 90_000 });
}
