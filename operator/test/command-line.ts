/**
 * The commands over a given API, as a person would run them: arguments in, text and exit code out.
 * Files are written into a folder that goes with the fixture; paths in what is printed are relative
 * to it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliContext } from '../src/cli/context.ts';
import { kubectlProgram } from '../src/cli/program.ts';
import { runProgram } from '../src/cli/run-program.ts';
import type { KubeApi } from '../src/machinery/kube-api.ts';

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

export interface CommandLine extends AsyncDisposable {
  run(...args: readonly string[]): Promise<Printed>;
  /** The path to give to `run`. */
  file(name: string, text: string): Promise<string>;
}

export interface CommandLineOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly now: () => number;
  readonly isTerminal?: boolean;
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Told of everything that is printed, while it runs. */
  readonly printed?: (text: string) => void;
}

export async function commandLine(options: CommandLineOptions): Promise<CommandLine> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  return {
    file: async (name, text) => {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
    run: async (...args) => {
      const printed = await run(args, options);
      const local = (text: string): string => text.replaceAll(`${folder}/`, '');
      return { ...printed, stdout: local(printed.stdout), stderr: local(printed.stderr) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function run(args: readonly string[], options: CommandLineOptions): Promise<Printed> {
  const { api, namespace, now, isTerminal = false, input = '', signal } = options;
  const texts = { stdout: '', stderr: '' };
  let exitCode: number | undefined;
  const stream = (name: keyof typeof texts) => ({
    write: (text: string): void => {
      texts[name] += text;
      options.printed?.(text);
    },
    isTerminal,
    hasColours: isTerminal,
    columns: 100,
  });
  const context: CliContext = {
    out: stream('stdout'),
    err: stream('stderr'),
    now,
    input: () => Promise.resolve(input),
    connect: (flags) =>
      Promise.resolve({
        api,
        namespace: flags.namespace ?? namespace,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    finish: (code) => {
      exitCode = code;
    },
    ...(signal === undefined ? {} : { signal }),
  };
  const program = kubectlProgram(context);
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: stream('stdout').write, writeErr: stream('stderr').write });
  }
  await runProgram(program, context, args);
  return { ...texts, exitCode };
}
