/** `millrace why`: what a resource waits for, on what object, since when, and when it is next tried. */
import { Command, Option } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import { withClusterOptions } from '../cluster-options.ts';
import {
  exitCodesHelp,
  runOnCluster,
  type CliContext,
  type Cluster,
  type ClusterFlags,
} from '../context.ts';
import { findResource, parseName, type Named } from '../find-resource.ts';
import { paintFor } from '../words.ts';
import type { Cause } from './causes.ts';
import { explain, type Explanation } from './explain.ts';
import { gather, type Facts } from './facts.ts';
import { whyPage } from './page.ts';

interface Flags extends ClusterFlags {
  readonly output?: 'json';
  readonly lease: string;
}

const help = `
Looks at the status that the operator writes, at children and pods and what they say of themselves,
at the events of the last hour, and at the Lease: whether any operator is at work. Reads only, and
never a Secret.

Examples:
  kubectl millrace why csvimport/users
  kubectl millrace why csvi/users -n team -o json
${exitCodesHelp}`;

export function whyCommand(context: CliContext): Command {
  const command = new Command('why')
    .description('says what a resource waits for, most pressing first')
    .argument(
      '<kind/name>',
      'such as csvimport/users; kinds by kind, plural, singular or short name',
    )
    .option('--lease <name>', 'Lease of the operator', 'millrace-operator')
    .addOption(new Option('-o, --output <format>', 'print JSON').choices(['json']));
  return withClusterOptions(command)
    .addHelpText('after', help)
    .action((text: string, flags: Flags) =>
      runOnCluster(context, flags, () => {
        const named = parseName(text);
        return (cluster) => run(context, { named, flags, cluster });
      }),
    );
}

interface Run {
  readonly named: Named;
  readonly flags: Flags;
  readonly cluster: Cluster;
}

async function run(
  { out, now: time }: CliContext,
  { named, flags, cluster }: Run,
): Promise<number> {
  const { api, namespace } = cluster;
  const resource = await findResource(api, named, namespace);
  const options = { api, preview: named.preview, leaseName: flags.lease, now: time() };
  const facts = await gather(resource, options);
  const explanation = explain(facts);
  const text =
    flags.output === 'json'
      ? JSON.stringify(report(explanation, facts))
      : whyPage(explanation, facts, paintFor(out));
  out.write(`${text}\n`);
  return exitCode.finished;
}

function report({ state, reason, message, sinceMs, causes }: Explanation, facts: Facts): object {
  const { resource, leader, unseen } = facts;
  const { kind, metadata } = resource;
  const { renewedMs, ...led } = leader;
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    state,
    reason,
    message,
    since: iso(sinceMs),
    causes: causes.map(causeReport),
    leader: { ...led, renewed: iso(renewedMs) },
    unseen,
  };
}

function causeReport({ sinceMs, because, ...cause }: Cause): object {
  return { ...cause, since: iso(sinceMs), because: because.map(causeReport) };
}

function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
