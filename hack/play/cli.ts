/** The command line of play. Others script against it: options and exit codes are a contract. */
import { Command, CommanderError } from 'commander';
import { parseVolume } from './claims.ts';

export interface PlayOptions {
  readonly manifests: readonly string[];
  readonly once: boolean;
  readonly json: boolean;
  readonly fresh: boolean;
  readonly keep: boolean;
  readonly watch: boolean;
  readonly state: string;
  readonly volumes: ReadonlyMap<string, string>;
}

const after = `
Without a manifest it loads crds/examples/csv-import.yaml. Examples read a sample that it writes itself.

Backends: MILLRACE_POSTGRES_URL, MILLRACE_RABBITMQ_URL and MILLRACE_REDIS_URL, also from .env, are
used as they are and never wiped; what is needed and not given is started from what this host has.
MILLRACE_TOKENS holds the tokens of gateways with auth Tokens, one \`name:token\` a line, or
\`name:token:reveal\` for one that may see sealed columns; MILLRACE_SEALING_KEYS the keys of these.
What is not given is made once and kept in secrets.json of the state folder.

The end: an import ends by itself. A service (IncrementPipeline) serves until Ctrl-C; then it stops
taking work, commits what it has taken and says how the sums stand. What that does not manage in time
stays in its backend and is committed by the next run. With --once play ends when every import has
ended and every service is Ready.

Exit code: 0 when all is well (with --once: all are Complete or Ready), else 1; 2 for a wrong command
line.

Examples:
  npm run play
  npm run play -- --once
  npm run play -- crds/examples/increment-pipeline.yaml
  npm run play -- crds/examples/csv-import-s3.yaml
  npm run play -- crds/examples/csv-import-http.yaml
  npm run --silent play -- my.yaml --once --json --volume data=./files
`;

interface Parsed {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly fresh?: boolean;
  readonly keep?: boolean;
  readonly watch?: boolean;
  readonly state: string;
  readonly volume?: ReadonlyMap<string, string>;
}

export type Cli =
  | { readonly ok: true; readonly options: PlayOptions }
  | { readonly ok: false; readonly exitCode: number };

export function parseCli(args: readonly string[]): Cli {
  const command = new Command('npm run play --')
    .description('Runs manifests on this host: operator, pods and backends, without a cluster.')
    .argument('[manifests...]', 'YAML files, or folders of them')
    .option('--once', 'end when every import has ended and every service is Ready')
    .option('--json', 'one final JSON line per resource on standard output, and nothing else there')
    .option(
      '--volume <claim=folder>',
      'the folder that stands for a claim; may be repeated',
      (text: string, before?: ReadonlyMap<string, string>) =>
        new Map([...(before ?? []), parseVolume(text)]),
    )
    .option('--fresh', 'first wipe what play itself started: its backends and its state')
    .option('--keep', 'leave the backends running at the end')
    .option('--watch', 'start pods again when a source file of the runtimes changes')
    .option('--state <folder>', 'where state is kept', '.millrace')
    .addHelpText('after', after)
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { ok: false, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  const parsed = command.opts<Parsed>();
  return {
    ok: true,
    options: {
      manifests: command.args,
      once: parsed.once ?? false,
      json: parsed.json ?? false,
      fresh: parsed.fresh ?? false,
      keep: parsed.keep ?? false,
      watch: parsed.watch ?? false,
      state: parsed.state,
      volumes: parsed.volume ?? new Map(),
    },
  };
}
