/**
 * Which Postgres a command talks to, and who started it.
 *
 * Places in order: the options, a mounted backends Secret (--backends), MILLRACE_POSTGRES_URL, and
 * last the state folder of play: the URL of its last run, or the server that play started itself.
 * That server is started when it is down, with the same data, and ended again with the command.
 */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { exitCode } from '@millrace/kit/exit-code';
import { createLog } from '@millrace/kit/log';
import { Transient } from '@millrace/kit/transient';
import { openDatabase, type Database } from '@millrace/runtimes/connectors/postgres/database';
import { backendUrls } from '@millrace/runtimes/connectors/backend-urls';
import type { Command } from 'commander';
import { startBackends } from '../backends/resolve.ts';
import { displayPath } from '../play/view/display-path.ts';
import { statePaths } from '../play/state/paths.ts';
import { badUsage, CommandFailure } from './ending.ts';
import { environment, type Environment } from './environment.ts';

export interface PlaceFlags {
  readonly postgresUrl?: string;
  readonly ownerUrl?: string;
  readonly backends?: string;
  readonly state: string;
}

/** For every command that needs a database. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--postgres-url <url>', 'Postgres as the working role; else MILLRACE_POSTGRES_URL')
    .option('--owner-url <url>', 'the same database as its owner; else MILLRACE_POSTGRES_OWNER_URL')
    .option('--backends <folder>', 'a mounted backends Secret: a folder with a file per key')
    .option('--state <folder>', 'state folder of play, used when no URL is given', '.millrace');
}

export interface PostgresPlace extends AsyncDisposable {
  /** As the working role. */
  readonly url: string;
  /** As the role that migrates; the same where no other was given. */
  readonly ownerUrl: string;
  /** May make databases and roles; only where play's own server is used. */
  readonly superuserUrl?: string;
  /** For people, without a password: `postgres at 127.0.0.1:5432/millrace (--postgres-url)`. */
  readonly label: string;
  readonly caBundle?: string;
}

interface Urls {
  readonly url: string;
  readonly ownerUrl: string;
  readonly superuserUrl?: string;
  readonly caBundle?: string;
}

export interface PlaceRequest {
  readonly flags: PlaceFlags;
  /** The URL that the last run of play gave to the resource, if that is known. */
  readonly savedUrl?: string | undefined;
  /** Progress of a server that has to be started. */
  log(line: string): void;
}

export async function postgresPlace(request: PlaceRequest): Promise<PostgresPlace> {
  const env = environment();
  const given = givenUrls(request.flags, env);
  if (given !== undefined) return place(given.urls, given.source);
  const own = join(statePaths(resolve(request.flags.state)).backends, 'postgres');
  const hasOwn = await isFolder(join(own, 'data'));
  const { savedUrl } = request;
  if (savedUrl !== undefined && !(hasOwn && (await isOwnUrl(own, savedUrl))))
    return place({ url: savedUrl, ownerUrl: savedUrl }, 'the last run of play');
  if (!hasOwn) throw nowhere(request.flags);
  return ownServer(request, env);
}

interface Given {
  readonly urls: Urls;
  readonly source: string;
}

function givenUrls(flags: PlaceFlags, env: Environment): Given | undefined {
  const { postgresUrl, ownerUrl, backends } = flags;
  if (postgresUrl !== undefined || (ownerUrl !== undefined && backends === undefined)) {
    const url = postgresUrl ?? ownerUrl ?? '';
    return { urls: { url, ownerUrl: ownerUrl ?? url }, source: 'command line' };
  }
  if (backends !== undefined) return mountedUrls(backends, ownerUrl);
  const url = env['MILLRACE_POSTGRES_URL'] ?? '';
  if (url === '') return undefined;
  const owner = env['MILLRACE_POSTGRES_OWNER_URL'] ?? url;
  return { urls: { url, ownerUrl: owner }, source: 'MILLRACE_POSTGRES_URL' };
}

function mountedUrls(folder: string, givenOwnerUrl: string | undefined): Given {
  const secret = backendUrls(folder, {});
  const url = secret.find('POSTGRES_URL');
  if (url === undefined)
    throw badUsage(`--backends ${folder}: there is no file POSTGRES_URL in this folder`);
  const caBundle = secret.find('CA_BUNDLE');
  const ownerUrl = givenOwnerUrl ?? secret.find('POSTGRES_OWNER_URL') ?? url;
  return {
    urls: { url, ownerUrl, ...(caBundle === undefined ? {} : { caBundle }) },
    source: '--backends',
  };
}

function place(urls: Urls, source: string): PostgresPlace {
  for (const url of [urls.url, urls.ownerUrl])
    if (!/^postgres(ql)?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw badUsage(
        `the Postgres URL (${source}) is not of the form postgres://user:password@host:5432/database`,
      );
  const { host, pathname } = new URL(urls.url);
  return {
    ...urls,
    label: `postgres at ${host}${pathname} (${source})`,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function ownServer(request: PlaceRequest, env: Environment): Promise<PostgresPlace> {
  const started = await startBackends(['postgres'], {
    stateDir: statePaths(resolve(request.flags.state)).backends,
    env,
    log: (line) => request.log(line),
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(exitCode.tryAgain, why, { cause: error });
  });
  const server = started.get('postgres');
  if (server === undefined) throw nowhere(request.flags);
  const { ownerUrl, superuserUrl } = server.extra;
  const urls = { url: server.url, ownerUrl: ownerUrl ?? server.url };
  return {
    ...place(urls, `started by play in ${displayPath(resolve(request.flags.state))}`),
    ...(superuserUrl === undefined ? {} : { superuserUrl }),
    [Symbol.asyncDispose]: async () => server.stop(),
  };
}

/** Whether a saved URL is that of the server in the state folder, whose port is in its settings. */
async function isOwnUrl(root: string, url: string): Promise<boolean> {
  const text = await readFile(join(root, 'settings.json'), 'utf8').catch(() => '{}');
  const { secrets } = JSON.parse(text) as { readonly secrets?: Readonly<Record<string, string>> };
  const password = URL.parse(url)?.password ?? '';
  return password !== '' && Object.values(secrets ?? {}).includes(password);
}

function nowhere({ state }: PlaceFlags): Error {
  return badUsage(
    `which Postgres? ${displayPath(resolve(state))} has no server of play. Run \`npm run play -- --once\` first, ` +
      'name its folder with --state, or give --postgres-url or MILLRACE_POSTGRES_URL',
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/** Connections of a command: few, named, and silent, since failures are told once by the command. */
export function openPlace(at: PostgresPlace, url: string = at.url): Database {
  return openDatabase({
    url: () => url,
    caBundle: () => at.caBundle,
    applicationName: 'millrace-command',
    max: 2,
    log: createLog({ level: 'silent', bindings: {}, fd: 2 }),
  });
}

/** Says at which server something failed; the failure itself does not know how the server was found. */
export async function atPlace<T>(at: PostgresPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Transient) || error.backend !== 'postgres') throw error;
    throw new CommandFailure(exitCode.tryAgain, `${at.label}: ${sentence(error)}`, {
      cause: error,
    });
  }
}

const remedies: Readonly<Record<string, string>> = {
  DatabaseMissing: 'Make it with: millrace db create',
  SchemaMissing: 'If it is the ledger, make it with: millrace migrate up',
  PermissionDenied: 'Or give the URL of the owner with --owner-url.',
};
const unreachable = /^(ConnectionRefused|HostNotFound|Unreachable|ConnectTimeout|StartingUp)$/;

/** The connector speaks to readers of conditions, who have a Secret; here there is a URL. */
function sentence({ code, message }: Transient): string {
  if (code === 'AuthenticationFailed')
    return 'the server refused user or password; correct them in the URL.';
  if (unreachable.test(code))
    return `${message} Start the server or correct its address, then run this again.`;
  return `${message} ${remedies[code] ?? 'Run this again later.'}`;
}
