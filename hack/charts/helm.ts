/**
 * Runs Helm, away from whatever the user's own Helm keeps: caches, repositories and plug-ins are in a
 * folder of the call's owner, and nothing is fetched.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findProgram } from '../backends/command.ts';
import { goTool, type GoToolName } from '../tools/go-tool.ts';

export interface HelmResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface Helm extends AsyncDisposable {
  /** Never throws for an exit code. */
  call(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<HelmResult>;
}

export const charts = {
  millrace: join(import.meta.dirname, '..', '..', 'charts', 'millrace'),
  crds: join(import.meta.dirname, '..', '..', 'charts', 'millrace-crds'),
} as const;

/** The path of a tool, or why there is none; where tests must run (CI) that is an error. */
export async function toolOrWhy(
  name: GoToolName,
  env: NodeJS.ProcessEnv,
): Promise<string | { readonly missing: string }> {
  try {
    return await goTool({ name, env, log: (line) => console.error(line) });
  } catch (error) {
    if (env['CI'] === 'true' || (await findProgram('go', env)) !== undefined) throw error;
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

export async function openHelm(program: string): Promise<Helm> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-helm-'));
  const homes = {
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    KUBECACHEDIR: join(home, 'kube'),
  };
  return {
    call: (args, env = {}) => execute(program, args, { env: { ...process.env, ...homes, ...env } }),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

export async function execute(
  program: string,
  args: readonly string[],
  { env, input = '' }: { readonly env: NodeJS.ProcessEnv; readonly input?: string },
): Promise<HelmResult> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that ends without reading its input breaks the pipe; its exit code tells more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? -1));
  return { exitCode: await promise, stdout, stderr };
}
