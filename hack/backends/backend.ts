/**
 * The vocabulary of the development backends: what a caller asks for, what it gets back, and what
 * each backend must tell the rest of this folder about itself.
 *
 * A backend that we start belongs to a state folder, not to a process: every process that uses it
 * registers there, and the last one to leave ends it. A backend given by URL belongs to somebody
 * else; nothing here ever stops, wipes or reconfigures it.
 */

export type BackendName = 'postgres' | 'redis' | 'rabbitmq' | 's3';
/** Those that any kind may need; an S3 store only who names one. */
export const backendNames: readonly BackendName[] = ['postgres', 'redis', 'rabbitmq'];
export const allBackendNames: readonly BackendName[] = [...backendNames, 's3'];

/** Where a backend came from, in the order in which the places are tried. */
export type Origin = 'url' | 'path' | 'cache' | 'container';
export const origins: readonly Origin[] = ['url', 'path', 'cache', 'container'];

export interface BackendOptions {
  /** Holds data, ports and passwords; two runs over one folder share its servers. */
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Wipes the data of the servers that live in the state folder, never of one given by URL. Fails
   * while another process uses them; `if-unused` shares them with it instead.
   */
  readonly fresh?: boolean | 'if-unused';
  /** Leaves the servers running when this process ends, until `down` or `stop()` of a later user. */
  readonly keep?: boolean;
  /** The places to look in; all of them unless told otherwise. */
  readonly origins?: readonly Origin[];
  /** Progress and choices, one line at a time. Never holds a password. */
  log(line: string): void;
  readonly signal?: AbortSignal;
}

/** Beside a URL: of a Postgres the role that owns the database, and the superuser when it is ours. */
export interface BackendExtra {
  readonly ownerUrl?: string;
  readonly superuserUrl?: string;
  /** How to sign requests to an S3 store. */
  readonly s3?: S3Access;
}

export interface S3Access {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RunningBackend {
  readonly name: BackendName;
  /** For Postgres this is the working role, which may connect and nothing else until granted. */
  readonly url: string;
  readonly extra: BackendExtra;
  readonly origin: Origin;
  /** False for a URL, and then `stop` does nothing and the fault functions throw. */
  readonly ours: boolean;
  readonly pid?: number;
  /** Stops using it; the server ends when nobody else uses the same state folder. */
  stop(): Promise<void>;
  /** Sends a signal to the server process itself, for fault tests. */
  kill(signal: NodeJS.Signals): void;
  /** Starts it again on the same port and data, ending it first if it still runs. */
  restart(): Promise<void>;
}

/** Executables found on this host that are known to run. */
export interface Installation {
  readonly origin: Exclude<Origin, 'url'>;
  readonly version: string;
  /** For people: the folder or image. */
  readonly place: string;
  /** Absolute paths (or the container engine) by the name its backend gave them. */
  readonly programs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

export interface Command {
  readonly role: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Asked for politely in this order, then SIGKILL. */
  readonly stopSignals: readonly NodeJS.Signals[];
}

/** Ports and passwords, kept in the state folder so that a restart reuses them. */
export interface Settings {
  readonly ports: Readonly<Record<string, number>>;
  readonly secrets: Readonly<Record<string, string>>;
}

export interface ServerFolder {
  /** The backend's own folder in the state folder. */
  readonly root: string;
  readonly data: string;
  readonly settings: Settings;
}

export interface Search {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheDir: string;
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What each backend says about itself; `server.ts` does the rest in one way for all of them. */
export interface BackendDefinition {
  readonly name: BackendName;
  readonly urlVariable: string;
  /** Port names, the first of which clients connect to. */
  readonly portNames: readonly [string, ...string[]];
  readonly secretNames: readonly string[];
  /** How long a start may take, crash recovery included, before it is called a failure. */
  readonly startDeadlineMs: number;
  /** A command that puts it on PATH, for the message when no place had it. */
  readonly installCommand: string;
  /** Lines of its log that mean "try again", such as memory still held by a killed predecessor. */
  readonly startAgainOn?: RegExp;
  /** Throws with the reason when the installation is absent or does not run. */
  find(origin: Exclude<Origin, 'url'>, search: Search): Promise<Installation>;
  /** Makes data and configuration ready; runs before every start and keeps what is there. */
  prepare(installation: Installation, folder: ServerFolder): Promise<void>;
  /** The processes in start order; the last is the server itself. */
  commands(installation: Installation, folder: ServerFolder): readonly [Command, ...Command[]];
  urls(folder: ServerFolder): { readonly url: string; readonly extra: BackendExtra };
  /** The URLs that go with one given in the environment. */
  givenExtra(env: Readonly<Record<string, string | undefined>>, url: string): BackendExtra;
  /** Connects as a client does and throws when that fails. */
  connect(url: string, timeoutMs: number): Promise<void>;
}
