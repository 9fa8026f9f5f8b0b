/** The command line of the metrics API: flags over the configuration; names and exit codes are a contract. */
import { Command } from 'commander';
import { collected, parsedCommand, port } from '../process/command-line.ts';
import type { Given } from '../process/settings.ts';

const after = `
Tells autoscalers how many workers each resource needs: as external metric millrace-workers-needed, for a
HorizontalPodAutoscaler, and as JSON at /scaling/namespaces/<namespace>/<plural>/<name>. It makes its own
certificates, in the Secret, and registers itself unless somebody else serves external metrics.

Connects with --kubeconfig or KUBECONFIG, else with the ServiceAccount of the pod it runs in; rights:
operator/deploy/metrics-api.yaml. Each setting is also a key of the --config file (JSON) and a variable:
listen.port is MILLRACE_LISTEN_PORT. Flags win over variables, variables over the file.

Admin port: /livez, /readyz, /metrics. The log is JSON on standard output.

Exit code: 0 told to stop and drained, 64 bad configuration or credentials, 70 a bug.
`;

interface Parsed {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly service?: string;
  readonly namespace?: string;
  readonly secret?: string;
  readonly servicePort?: number;
  readonly watchNamespace?: readonly string[];
  readonly host?: string;
  readonly port?: number;
  readonly adminHost?: string;
  readonly adminPort?: number;
  readonly logLevel?: string;
}

/** What was said, or undefined when help was asked for and given. */
export function parseArguments(args: readonly string[]): Given | undefined {
  const parsed = parsedCommand<Parsed>(metricsApiCommand(), args);
  return parsed === undefined ? undefined : given(parsed);
}

function metricsApiCommand(): Command {
  return new Command('metrics-api')
    .description('Serves external.metrics.k8s.io for the resources of Millrace.')
    .option('--service <name>', 'Service that leads to the replicas (required)')
    .option('--namespace <name>', 'where Service and Secret are (default: the pod’s)')
    .option('--secret <name>', 'Secret of the certificates (default: <service>-tls)')
    .option('--service-port <port>', 'port of the Service (default: 443)', port)
    .option('--watch-namespace <name>', 'serve this namespace; may be repeated', collected)
    .option('--host <host>', 'address of HTTPS (default: 0.0.0.0)')
    .option('--port <port>', 'port of HTTPS, 0 for a free one (default: 8443)', port)
    .option('--admin-host <host>', 'address of the admin port (default: 0.0.0.0)')
    .option('--admin-port <port>', 'admin port, 0 for a free one (default: 9090)', port)
    .option('--kubeconfig <file>', 'which kubeconfig to use')
    .option('--context <name>', 'which context of the kubeconfig to use')
    .option('--config <file>', 'settings as JSON, for what has no flag')
    .option('--log-level <level>', 'trace, debug, info, warn or error (default: info)')
    .addHelpText('after', after);
}

function given(parsed: Parsed): Given {
  const { service, namespace, secret, servicePort, kubeconfig, context, logLevel } = parsed;
  const flags = {
    kubeconfig,
    context,
    service,
    namespace,
    secret,
    servicePort,
    logLevel,
    namespaces: parsed.watchNamespace,
    listen: { host: parsed.host, port: parsed.port },
    admin: { host: parsed.adminHost, port: parsed.adminPort },
  };
  return { file: parsed.config, flags };
}
