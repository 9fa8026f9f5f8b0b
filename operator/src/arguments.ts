/**
 * The command line of the operator: flags over the configuration, and nothing that only a flag can
 * say. Others script against it: names and exit codes are a contract.
 */
import { Permanent } from '@millrace/kit/permanent';
import { Command } from 'commander';
import { collected, parsedCommand, port } from './process/command-line.ts';
import type { Given } from './process/settings.ts';

const after = `
Connects with --kubeconfig or KUBECONFIG, else with the ServiceAccount of the pod it runs in, else
with ~/.kube/config. Before the first start: kubectl apply -f crds/csv-import.yaml, and the rights of
operator/deploy (operator/README.md says which).

Each setting is also a key of the --config file (JSON) and a variable: leaderElection.leaseDurationMs
is MILLRACE_LEADER_ELECTION_LEASE_DURATION_MS. Flags win over variables, variables over the file.

Admin port: /livez, /readyz (why not, leader or standby), /metrics. The log is JSON on standard output.

Exit code: 0 told to stop and drained, 1 leadership lost (a supervisor starts it again), 64 bad
configuration or credentials, 70 a bug.

Examples:
  npm run operator -- --runtime-image millrace-runtimes:0.1.0
  npm run operator -- --runtime-image IMAGE --namespace team-a --namespace team-b
  npm run operator -- --runtime-image IMAGE --context staging --no-leader-election --admin-port 0
`;

interface Parsed {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly runtimeImage?: string;
  readonly namespace?: readonly string[];
  readonly allNamespaces?: boolean;
  readonly leaderElection: boolean;
  readonly leaseNamespace?: string;
  readonly adminHost?: string;
  readonly adminPort?: number;
  readonly logLevel?: string;
}

/** What was said, or undefined when help was asked for and given. */
export function parseArguments(args: readonly string[]): Given | undefined {
  const parsed = parsedCommand<Parsed>(operatorCommand(), args);
  return parsed === undefined ? undefined : given(parsed);
}

function operatorCommand(): Command {
  return new Command('npm run operator --')
    .description('Runs the Millrace operator against the cluster that a kubeconfig names.')
    .option('--runtime-image <image>', 'image of every runtime pod (required)')
    .option('--namespace <name>', 'work in this namespace; may be repeated', collected)
    .option('--all-namespaces', 'work in every namespace (default)')
    .option('--kubeconfig <file>', 'which kubeconfig to use')
    .option('--context <name>', 'which context of the kubeconfig to use')
    .option('--config <file>', 'settings as JSON, for what has no flag')
    .option('--no-leader-election', 'act at once; only for a single process')
    .option(
      '--lease-namespace <name>',
      'where the Lease is (default: the pod’s, else the first --namespace, else the context’s)',
    )
    .option('--admin-host <host>', 'address of the admin port (default: 127.0.0.1)')
    .option('--admin-port <port>', 'admin port, 0 for a free one (default: 9090)', port)
    .option('--log-level <level>', 'trace, debug, info, warn or error (default: info)')
    .addHelpText('after', after);
}

function given(parsed: Parsed): Given {
  if (parsed.allNamespaces === true && parsed.namespace !== undefined) {
    throw new Permanent(
      'BadConfiguration',
      '--namespace and --all-namespaces exclude each other; leave one out.',
    );
  }
  const flags = {
    kubeconfig: parsed.kubeconfig,
    context: parsed.context,
    runtimeImage: parsed.runtimeImage,
    // Said on the command line, it also overrules namespaces of the file.
    namespaces: parsed.allNamespaces === true ? [] : parsed.namespace,
    logLevel: parsed.logLevel,
    leaderElection: {
      enabled: parsed.leaderElection ? undefined : false,
      namespace: parsed.leaseNamespace,
    },
    admin: { host: parsed.adminHost, port: parsed.adminPort },
  };
  return { file: parsed.config, flags };
}
