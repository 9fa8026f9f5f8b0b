/** `npm run cluster`: a real Kubernetes control plane on this host. This file only reads the line. */
import { resolve } from 'node:path';

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { tiers, type Tier } from './assets.ts';
import {
  build,
  clusterNames,
  ClusterProblem,
  down,
  kubectl,
  loadImages,
  logs,
  status,
  up,
  type Place,
} from './commands.ts';
import { isKind, kindDown, kindLoad, kindUp } from './kind.ts';

const after = `
Tiers: a is etcd and the API server; b adds the controller manager and the scheduler. There is no
node: pods stay Pending. c adds nodes whose pods run, and whose Jobs complete, by word alone. Everything
listens on loopback and needs no root. d is b with a node that runs containers, on Linux, as root, in
namespaces of its own. All tiers write only into the state folder; the programs come from
KUBEBUILDER_ASSETS, else from the cache, else from a build with Go.

Examples:
  export KUBECONFIG=$(npm run --silent cluster -- up)
  npm run cluster -- kubectl -- get millrace -A
  npm run cluster -- logs kube-apiserver
  npm run cluster -- up --tier a --name second
  npm run cluster -- up --tier d && npm run cluster -- load-image .millrace/images/operator.tar
  npm run cluster -- up --kind            (with a container engine and kind on the PATH)
  npm run cluster -- down --all

Exit codes: 0 done, 1 failed, 64 wrong usage; kubectl ends with its own.`;

interface Options {
  readonly state: string;
  readonly name: string;
  readonly tier: Tier;
  readonly all?: boolean;
  readonly autoscalerPeriod?: number;
  readonly kind?: boolean;
}

const program = new Command('npm run cluster --')
  .description('A real Kubernetes control plane on this host, without a container engine.')
  .addHelpText('after', after);

function place(options: Options): Place {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(options.name)) {
    throw new ClusterProblem(`${options.name} is no name: use lower-case letters, digits and -`);
  }
  return { stateDir: resolve(options.state), name: options.name };
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('give whole seconds.');
  return Number(text);
}

/** Every command but `build` is about clusters in the state folder. */
function command(text: string, description: string): Command {
  return program
    .command(text)
    .description(description)
    .option('--state <folder>', 'where clusters are kept', '.millrace/cluster');
}

const ofKind = { env: process.env, log: (line: string) => console.error(line) };

const tier = (): Option =>
  new Option('--tier <tier>', 'what runs').choices([...tiers]).default('b');
const named = (): Option => new Option('--name <name>', 'which cluster').default('default');

program
  .command('build')
  .description('build the programs into the cache now; prints their folder')
  .addOption(tier())
  .action(async (options: Options) => build(options.tier));

command('up', 'start a cluster, leave it running, print the path of its kubeconfig')
  .addOption(tier())
  .addOption(named())
  .option(
    '--autoscaler-period <seconds>',
    'how often autoscalers look, tier d only (default: 15, as in Kubernetes)',
    wholeSeconds,
  )
  .option('--kind', 'a cluster of kind instead, where there is a container engine')
  .action(async (options: Options) => {
    const { tier, autoscalerPeriod } = options;
    if (options.kind === true) {
      console.log(await kindUp(place(options), ofKind));
      return;
    }
    await up(place(options), { tier, autoscalerPeriodSeconds: autoscalerPeriod });
  });

command('load-image', 'put the images of an OCI archive into the node of a cluster of tier d')
  .argument('<archive>')
  .addOption(named())
  .action(async (archive: string, options: Options) => {
    const to = place(options);
    await ((await isKind(to)) ? kindLoad(to, archive, ofKind) : loadImages(to, archive));
  });

command('down', 'end a cluster and remove all that it wrote')
  .addOption(named())
  .option('--all', 'every cluster in the state folder')
  .action(async (options: Options) => {
    const first = place(options);
    const names = options.all === true ? await clusterNames(first.stateDir) : [first.name];
    for (const name of names) {
      const ended = { ...first, name };
      await ((await isKind(ended)) ? kindDown(ended, ofKind) : down(ended));
    }
  });

command('status', 'say which clusters run, where, and who uses them').action(
  async (options: Options) => status(resolve(options.state)),
);

command('logs', 'print the log of one program, or the end of each')
  .argument('[program]', 'for example kube-apiserver')
  .addOption(named())
  .action(async (name: string | undefined, options: Options) => logs(place(options), name));

command('kubectl', 'run kubectl against a cluster; its own arguments stand after --')
  .argument('[arguments...]')
  .addOption(named())
  .action(async (args: readonly string[], options: Options) => {
    process.exitCode = await kubectl(place(options), args);
  });

// Commander ends with 1 for wrong usage; here that is 64, as everywhere else in Millrace.
for (const child of [program, ...program.commands]) child.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 64;
  } else {
    // A command that was given up says only that it was; its cause says by what.
    const isAborted = error instanceof Error && error.name === 'AbortError';
    const shown = isAborted ? error.cause : error;
    console.error(shown instanceof Error ? shown.message : error);
    process.exitCode = 1;
  }
}
