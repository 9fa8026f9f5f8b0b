/**
 * Reads kubeconfig files the way kubectl does: several are merged, the first that names a thing
 * wins, and relative paths in a file are relative to that file.
 *
 * Loading `@kubernetes/client-node` for this would cost 0.5 s and 90 MB of memory, which stay after
 * it has been collected (measured by `process.memoryUsage().rss` around the import), and its exec
 * plugins are not told which protocol version is asked for. So certificates, tokens, token files and
 * exec plugins are handled here, and the client is loaded only for an `auth-provider`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { Permanent } from '@millrace/kit/permanent';
import { parse } from 'yaml';
import type { Connection, Credentials, ExecPlugin, Text, TlsSettings } from './connection.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One entry of a list of a kubeconfig, with the folder that its paths start from. */
interface Entry {
  readonly name: string;
  readonly fields: Fields;
  readonly folder: string;
}

interface Merged {
  readonly currentContext: string | undefined;
  readonly contexts: readonly Entry[];
  readonly clusters: readonly Entry[];
  readonly users: readonly Entry[];
}

export interface KubeconfigOptions {
  readonly files: readonly string[];
  readonly context?: string | undefined;
  /** What exec plugins inherit. */
  readonly env: Env;
}

type Env = Readonly<Record<string, string | undefined>>;

interface ExecContext {
  readonly folder: string;
  readonly parent: Env;
}

export async function kubeconfigConnection(options: KubeconfigOptions): Promise<Connection> {
  const { files } = options;
  const merged = await readAll(files);
  const contextName = options.context ?? merged.currentContext;
  if (contextName === undefined) {
    throw unusable(files, 'names no current-context: choose one with --context');
  }
  const context = named(merged.contexts, contextName);
  if (context === undefined) throw unusable(files, `has no context "${contextName}"`);
  const clusterName = text(context.fields, 'cluster') ?? '';
  const cluster = named(merged.clusters, clusterName);
  const server = cluster && text(cluster.fields, 'server');
  if (cluster === undefined || server === undefined) {
    throw unusable(files, `has no cluster "${clusterName}" with a server`);
  }
  if (text(cluster.fields, 'proxy-url') !== undefined) {
    throw unusable(files, `wants a proxy for cluster "${clusterName}", which is not supported`);
  }
  const user = named(merged.users, text(context.fields, 'user') ?? '');
  return {
    server: server.replace(/\/+$/, ''),
    namespace: text(context.fields, 'namespace') ?? 'default',
    tls: tlsSettings(cluster, user),
    credentials: credentials(user, { ...options, context: contextName }),
  };
}

function tlsSettings(cluster: Entry, user: Entry | undefined): TlsSettings {
  const ca = textOrFile(cluster, 'certificate-authority');
  const certificate = user && textOrFile(user, 'client-certificate');
  const key = user && textOrFile(user, 'client-key');
  const serverName = text(cluster.fields, 'tls-server-name');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(cluster.fields['insecure-skip-tls-verify'] === true ? { isInsecure: true } : {}),
  };
}

/** A token file is rotated, so it goes before a token that was copied from it. */
function credentials(
  user: Entry | undefined,
  { files, context, env }: KubeconfigOptions & { readonly context: string },
): Credentials {
  if (user === undefined) return { type: 'none' };
  const { fields, folder } = user;
  const tokenFile = text(fields, 'tokenFile');
  if (tokenFile !== undefined)
    return { type: 'token', token: { file: resolve(folder, tokenFile) } };
  const token = text(fields, 'token');
  if (token !== undefined) return { type: 'token', token: { text: token } };
  const username = text(fields, 'username');
  if (username !== undefined) {
    return { type: 'basic', username, password: text(fields, 'password') ?? '' };
  }
  const exec = object(fields['exec']);
  if (exec !== undefined)
    return { type: 'exec', plugin: execPlugin(exec, { folder, parent: env }) };
  if (object(fields['auth-provider']) !== undefined) {
    return { type: 'provider', kubeconfigs: files, context };
  }
  return { type: 'none' };
}

function execPlugin(exec: Fields, { folder, parent }: ExecContext): ExecPlugin {
  const command = text(exec, 'command') ?? '';
  const isPath = command.includes('/') && !isAbsolute(command);
  const own = list(exec['env']).map((entry) => [text(entry, 'name') ?? '', text(entry, 'value')]);
  const args = exec['args'];
  return {
    apiVersion: text(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1',
    command: isPath ? resolve(folder, command) : command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: { ...parent, ...Object.fromEntries(own) },
  };
}

async function readAll(files: readonly string[]): Promise<Merged> {
  const contents = await Promise.all(files.map((file) => readOne(file, files.length > 1)));
  const present = contents.filter((content) => content !== undefined);
  if (present.length === 0) throw unusable(files, 'is not there');
  const entries = (field: 'contexts' | 'clusters' | 'users', inner: string) =>
    present.flatMap(({ fields, folder }) =>
      list(fields[field]).map((entry) => ({
        name: text(entry, 'name') ?? '',
        fields: object(entry[inner]) ?? {},
        folder,
      })),
    );
  return {
    currentContext: present
      .map(({ fields }) => text(fields, 'current-context'))
      .find((name) => name !== undefined),
    contexts: entries('contexts', 'context'),
    clusters: entries('clusters', 'cluster'),
    users: entries('users', 'user'),
  };
}

/** Of several files some may be absent, as with kubectl; a single one may not. */
async function readOne(file: string, mayBeAbsent: boolean) {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (mayBeAbsent) return undefined;
    throw unusable([file], 'cannot be read', error);
  }
  let parsed: unknown;
  try {
    parsed = parse(content);
  } catch {
    // The parser quotes the line it stumbled on, and that line may be a token.
    throw unusable([file], 'is not YAML');
  }
  return { fields: object(parsed) ?? {}, folder: dirname(resolve(file)) };
}

function named(entries: readonly Entry[], name: string): Entry | undefined {
  return entries.find((entry) => entry.name === name);
}

/** `<field>-data` is base64 and goes before the file, as in kubectl. */
function textOrFile({ fields, folder }: Entry, field: string): Text | undefined {
  const data = text(fields, `${field}-data`);
  if (data !== undefined) return { text: Buffer.from(data, 'base64').toString('utf8') };
  const file = text(fields, field);
  return file === undefined ? undefined : { file: resolve(folder, file) };
}

function object(value: unknown): Fields | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : undefined;
}

function list(value: unknown): readonly Fields[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  return entries.map(object).filter((entry) => entry !== undefined);
}

function text(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function unusable(files: readonly string[], problem: string, cause?: unknown): Permanent {
  return new Permanent('KubeconfigUnusable', `kubeconfig ${files.join(', ')} ${problem}`, {
    cause,
  });
}
