/**
 * Where the API server is and who we are to it.
 *
 * A `Connection` is plain data, so that a worker thread can be given one and open its own sockets.
 * It names files rather than holding their content wherever it can: tokens and certificates are
 * rotated under a running process, and the transport reads them again. It may hold secrets (a
 * kubeconfig can have a token or a key inside), so it is never logged and never part of an error.
 */
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inClusterConnection, isInCluster } from './in-cluster.ts';
import { kubeconfigConnection } from './kubeconfig.ts';

export interface Connection {
  /** Without a slash at the end; may have a path, behind a proxy such as Rancher's. */
  readonly server: string;
  /** Of the context or of the service account; `default` where neither says. */
  readonly namespace: string;
  /** We are a pod of the cluster, and `namespace` is where it runs. */
  readonly isPod?: boolean;
  readonly tls: TlsSettings;
  readonly credentials: Credentials;
}

/** Text that is kept in a file, or was inside a kubeconfig. */
export type Text = { readonly file: string } | { readonly text: string };

export interface TlsSettings {
  /** Absent: the public authorities that Node knows. */
  readonly ca?: Text;
  readonly certificate?: Text;
  readonly key?: Text;
  /** The name to check the server's certificate against, where it is not the host of `server`. */
  readonly serverName?: string;
  readonly isInsecure?: boolean;
}

export type Credentials =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly token: Text }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'exec'; readonly plugin: ExecPlugin }
  /** A provider built into the Kubernetes client, such as OpenID Connect with refresh. */
  | {
      readonly type: 'provider';
      readonly kubeconfigs: readonly string[];
      readonly context: string;
    };

/** A program that prints an `ExecCredential`. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The environment of the process, with what the kubeconfig adds. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ConnectionOptions {
  /** A path, or several as in `KUBECONFIG`. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * An explicit kubeconfig or context wins, then `KUBECONFIG`, then the service account of the pod we
 * run in, then the file in the home folder: the order of controllers written in Go.
 */
export async function loadConnection(options: ConnectionOptions): Promise<Connection> {
  const { context, env } = options;
  const named = options.kubeconfig ?? env['KUBECONFIG'] ?? '';
  if (named === '' && context === undefined && (await isInCluster(env))) {
    return await inClusterConnection(env);
  }
  const home = join(env['HOME'] ?? homedir(), '.kube', 'config');
  const files = named === '' ? [home] : named.split(delimiter).filter((path) => path !== '');
  return await kubeconfigConnection({ files, context, env });
}
