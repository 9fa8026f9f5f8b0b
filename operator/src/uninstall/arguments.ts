/** The command line of the program; the chart's hook is who writes it. */
import { Permanent } from '@millrace/kit/permanent';
import { Command, CommanderError } from 'commander';
import type { Registration } from './metrics-registration.ts';

export interface Arguments {
  readonly release: string;
  readonly namespaces: readonly string[];
  readonly metrics?: Registration;
  readonly isForced: boolean;
}

interface Parsed {
  readonly release: string;
  readonly namespace: readonly string[];
  readonly metricsService?: string;
  readonly metricsBinding?: string;
  readonly force: boolean;
}

/** What was said, or undefined when help was asked for and given. */
export function parseArguments(args: readonly string[]): Arguments | undefined {
  const command = new Command('uninstall.mjs')
    .description('What the chart does before a release of Millrace is uninstalled.')
    .requiredOption('--release <name>', 'release that is uninstalled, for what is said')
    .option('--namespace <name>', 'where the operator worked; may be repeated', collect, [])
    .option('--metrics-service <namespace/name>', 'Service of the metrics API, if there is one')
    .option('--metrics-binding <name>', 'ClusterRoleBinding that lets it be registered')
    .option('--force', 'go on although resources are held by the operator', false)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    const message = `${error.message.replace(/^error: /, '')}; --help shows what there is`;
    throw new Permanent('BadConfiguration', message, { cause: error });
  }
  return given(command.opts<Parsed>());
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function given({ release, namespace, force, ...metrics }: Parsed): Arguments {
  const registration = registrationOf(metrics);
  return {
    release,
    namespaces: namespace,
    isForced: force,
    ...(registration === undefined ? {} : { metrics: registration }),
  };
}

function registrationOf({
  metricsService,
  metricsBinding,
}: Pick<Parsed, 'metricsService' | 'metricsBinding'>): Registration | undefined {
  if (metricsService === undefined && metricsBinding === undefined) return undefined;
  const [namespace, name, ...rest] = (metricsService ?? '').split('/');
  const isPair = namespace !== undefined && namespace !== '' && name !== undefined && name !== '';
  if (!isPair || rest.length > 0 || metricsBinding === undefined) {
    throw new Permanent(
      'BadConfiguration',
      '--metrics-service <namespace>/<name> and --metrics-binding <name> belong together.',
    );
  }
  return { service: { namespace, name }, binding: metricsBinding };
}
