/**
 * The command as a process: environment, signals, outputs and exit code. Standard output is for
 * results alone; everything else goes to standard error. The first Ctrl-C drains, the second ends at
 * once.
 */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseCli, type PlayOptions } from './cli.ts';
import type { PlayRun } from './play-run.ts';
import { play } from './play.ts';
import { Refusal } from './refusal.ts';
import { Screen } from './view/screen.ts';

const screen = new Screen({ out: process.stderr, now: () => performance.now() });

/** What the environment says wins over .env. */
function environment(): Readonly<Record<string, string | undefined>> {
  let text = '';
  try {
    text = readFileSync('.env', 'utf8');
  } catch {
    return process.env;
  }
  return { ...parseEnv(text), ...process.env };
}

function onSignals(stop: AbortController, kill: () => void): void {
  const onSignal = (): void => {
    if (!stop.signal.aborted) {
      stop.abort(new Error('interrupted'));
      return;
    }
    kill();
    process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
}

function refuse(refusal: Refusal, { json }: PlayOptions): void {
  screen.line(refusal.message);
  if (!json) return;
  const lines = refusal.resources.length > 0 ? refusal.resources : [{ error: refusal.message }];
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function run(args: readonly string[], more: Pick<PlayRun, 'program'>): Promise<number> {
  const cli = parseCli(args);
  if (!cli.ok) return cli.exitCode;
  const stop = new AbortController();
  let kill: () => void = () => undefined;
  onSignals(stop, () => kill());
  try {
    return await play({
      ...more,
      options: cli.options,
      env: environment(),
      screen,
      signal: stop.signal,
      onKill: (killNow) => (kill = killNow),
      print: (line) => process.stdout.write(`${line}\n`),
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refuse(error, cli.options);
    return 1;
  }
}

/** Sets the exit code; never rejects. */
export async function main(
  args: readonly string[],
  more: Pick<PlayRun, 'program'> = {},
): Promise<void> {
  try {
    process.exitCode = await run(args, more);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    screen.line(error instanceof Refusal ? error.message : text);
    process.exitCode = 1;
  }
}
