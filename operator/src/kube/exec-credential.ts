/**
 * Runs a credential plugin of a kubeconfig (`aws`, `gke-gcloud-auth-plugin`, `kubelogin`): a program
 * that is told by `KUBERNETES_EXEC_INFO` what is asked for and prints an `ExecCredential`.
 *
 * It gets no terminal, because an operator has none to offer, and half a minute. What it prints is a
 * secret; what it complains about on standard error is not repeated, since it may quote one.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KubeFailure } from '../machinery/kube-failure.ts';
import type { ExecPlugin } from './connection.ts';

const run = promisify(execFile);
const timeoutMs = 30_000;

interface ExecStatus {
  readonly token?: unknown;
  readonly clientCertificateData?: unknown;
  readonly clientKeyData?: unknown;
  readonly expirationTimestamp?: unknown;
}

export interface PluginCredential {
  readonly authorization: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly expiresAt: number | undefined;
}

export async function execCredential(
  plugin: ExecPlugin,
  server: string,
): Promise<PluginCredential> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server } },
  };
  const status = statusOf(await output(plugin, JSON.stringify(info)), plugin);
  const token = text(status.token);
  const expires = Date.parse(text(status.expirationTimestamp) ?? '');
  return {
    authorization: token === undefined ? undefined : `Bearer ${token}`,
    cert: text(status.clientCertificateData),
    key: text(status.clientKeyData),
    expiresAt: Number.isNaN(expires) ? undefined : expires,
  };
}

async function output(plugin: ExecPlugin, info: string): Promise<string> {
  try {
    const { stdout } = await run(plugin.command, plugin.args, {
      env: { ...plugin.env, KUBERNETES_EXEC_INFO: info },
      timeout: timeoutMs,
    });
    return stdout;
  } catch {
    throw new KubeFailure('Unauthorized', `the credential plugin ${plugin.command} failed`);
  }
}

function statusOf(printed: string, { command }: ExecPlugin): ExecStatus {
  try {
    const credential = JSON.parse(printed) as { readonly status?: ExecStatus };
    if (typeof credential.status === 'object') return credential.status;
  } catch {
    // Said below, without the parser's message: it would quote what was printed.
  }
  throw new KubeFailure('Unauthorized', `the credential plugin ${command} printed no credential`);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
