/**
 * kubectl and helm as people type them, against one cluster. They write what they cache below the
 * cluster's own folder and never into a home folder. Nothing is retried: an exit code other than 0 is
 * an error with the command and the end of what it printed.
 */
import { join } from 'node:path';
import { run } from '../backends/command.ts';

export interface Tools {
  readonly kubeconfig: string;
  /** Paths of the programs. */
  readonly kubectl: string;
  readonly helm: string;
  /** For what they cache. */
  readonly cacheDir: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  onLine?(line: string): void;
}

const defaultTimeoutMs = 60_000;

export function toolEnvironment({ kubeconfig, cacheDir }: Tools): Record<string, string> {
  return {
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(cacheDir, 'kubectl'),
    HELM_CACHE_HOME: join(cacheDir, 'helm', 'cache'),
    HELM_CONFIG_HOME: join(cacheDir, 'helm', 'config'),
    HELM_DATA_HOME: join(cacheDir, 'helm', 'data'),
  };
}

export async function kubectl(
  tools: Tools,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return command(tools, { file: tools.kubectl, args }, options);
}

export async function helm(
  tools: Tools,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return command(tools, { file: tools.helm, args }, options);
}

/** Creates or changes the objects, as the owner of what they name. */
export async function apply(tools: Tools, objects: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  const args = ['apply', '--server-side', '--force-conflicts', '--filename', '-'];
  await kubectl(tools, args, { input: JSON.stringify(list) });
}

export interface Claim {
  readonly namespace: string;
  readonly name: string;
  readonly objects: readonly object[];
}

/** One after the other: a claim that is seen before its volume is looked at again only after 15 s. */
export async function applyClaim(tools: Tools, { namespace, name, objects }: Claim): Promise<void> {
  for (const object of objects) await apply(tools, [object]);
  const wait = ['wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '-n', namespace];
  await kubectl(tools, [...wait, '--timeout=30s']);
}

async function command(
  tools: Tools,
  { file, args }: { readonly file: string; readonly args: readonly string[] },
  options: CommandOptions,
): Promise<string> {
  return run(file, args, {
    env: toolEnvironment(tools),
    timeoutMs: defaultTimeoutMs,
    ...options,
  });
}
