/** The command line of the program; the chart's hook is who writes it. */
import { Permanent } from '@millrace/kit/permanent';
import { Command } from 'commander';
import { collected, parsedCommand } from '../process/command-line.ts';
import type { Registration } from './metrics-registration.ts';
import type { Release } from './uninstall.ts';

export interface Arguments {
  readonly release: Release;
  readonly namespaces: readonly string[];
  readonly metrics?: Registration;
  readonly isForced: boolean;
}

interface Parsed {
  readonly release: string;
  readonly revision: string;
  readonly namespace: readonly string[];
  readonly metricsService?: string;
  readonly metricsBinding?: string;
  readonly force: boolean;
}

/** What was said, or undefined when help was asked for and given. */
export function parseArguments(args: readonly string[]): Arguments | undefined {
  const command = new Command('uninstall.mjs')
    .description('What the chart does before a release of Millrace is uninstalled.')
    .requiredOption('--release <namespace/name>', 'release that is uninstalled, for what is said')
    .requiredOption('--revision <number>', 'its revision, for the same')
    .option('--namespace <name>', 'where the operator worked; may be repeated', collected, [])
    .option('--metrics-service <namespace/name>', 'Service of the metrics API, if there is one')
    .option('--metrics-binding <name>', 'ClusterRoleBinding that lets it be registered')
    .option('--force', 'go on although resources are held by the operator', false);
  const parsed = parsedCommand<Parsed>(command, args);
  return parsed === undefined ? undefined : given(parsed);
}

function given({ release, revision, namespace, force, ...metrics }: Parsed): Arguments {
  const registration = registrationOf(metrics);
  return {
    release: { ...pair('--release', release), revision },
    namespaces: namespace,
    isForced: force,
    ...(registration === undefined ? {} : { metrics: registration }),
  };
}

function registrationOf({
  metricsService: service,
  metricsBinding: binding,
}: Pick<Parsed, 'metricsService' | 'metricsBinding'>): Registration | undefined {
  if (service === undefined && binding === undefined) return undefined;
  if (service === undefined || binding === undefined) {
    throw new Permanent(
      'BadConfiguration',
      '--metrics-service and --metrics-binding belong together.',
    );
  }
  return { service: pair('--metrics-service', service), binding };
}

function pair(flag: string, text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (namespace !== '' && name !== '' && rest.length === 0) return { namespace, name };
  throw new Permanent('BadConfiguration', `${flag} is a namespace and a name, such as a/b.`);
}
