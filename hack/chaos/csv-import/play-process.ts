/**
 * Play as a child process: started, watched, killed and started again on the same state. It ends when
 * this process ends, by whatever signal, and takes its pods with it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const playMain = fileURLToPath(new URL('play-main.ts', import.meta.url));
const parentDeath = fileURLToPath(
  new URL('../../play/supervisor/parent-death.ts', import.meta.url),
);

export interface PlayOptions {
  readonly manifest: string;
  /** Words of every pod's command before its own arguments. */
  readonly program: readonly string[];
  readonly dataDir: string;
  readonly stateDir: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface PlayResult {
  readonly code: number | null;
  /** The final JSON line of the import, if it came to that. */
  readonly status: ImportStatus | undefined;
}

export interface ImportStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly totals?: Readonly<Record<string, number>>;
}

export class PlayProcess {
  readonly #options: PlayOptions;
  #child: ChildProcess;
  #output = '';
  #exited: Promise<number | null>;

  constructor(options: PlayOptions) {
    this.#options = options;
    [this.#child, this.#exited] = this.#start();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when play ends by itself: a kill that `startAgain` follows does not count. */
  async ended(): Promise<PlayResult> {
    for (;;) {
      const exited = this.#exited;
      const code = await exited;
      if (exited === this.#exited && code !== null) return { code, status: this.#status() };
      if (exited === this.#exited) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  async startAgain(): Promise<void> {
    await this.#exited;
    this.#output = '';
    [this.#child, this.#exited] = this.#start();
  }

  /** Ends it for good, politely at first. */
  async stop(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => this.kill('SIGKILL'), patienceMs);
    this.kill('SIGTERM');
    await this.#exited;
    clearTimeout(timer);
  }

  #start(): [ChildProcess, Promise<number | null>] {
    const { manifest, program, dataDir, stateDir, logFile, env } = this.#options;
    const log = openSync(logFile, 'a');
    const child = spawn(
      process.execPath,
      [
        '--import',
        parentDeath,
        playMain,
        JSON.stringify(program),
        manifest,
        '--once',
        '--json',
        '--volume',
        `data=${dataDir}`,
        '--state',
        stateDir,
      ],
      { env: { ...env }, stdio: ['ignore', 'pipe', log, 'pipe'], detached: true },
    );
    closeSync(log);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    const exited = new Promise<number | null>((resolve) => {
      child.once('close', (code) => resolve(code));
    });
    return [child, exited];
  }

  #status(): ImportStatus | undefined {
    const line = this.#output.trim().split('\n').at(-1) ?? '';
    try {
      return (JSON.parse(line) as { status?: ImportStatus }).status;
    } catch {
      return undefined;
    }
  }
}
