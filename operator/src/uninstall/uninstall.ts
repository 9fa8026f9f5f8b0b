/**
 * What is done before a release is uninstalled, from the arguments to an exit code.
 *
 * Refuses, with 65, while there are resources that only an operator can let go of: without one their
 * namespaces could never be deleted. Then it takes the metrics API out of the API server. It deletes
 * no resource, no pod and no data, and may be run again at any point.
 */
import type { Kind } from '@millrace/crds/define-kind';
import { exitCode } from '@millrace/kit/exit-code';
import type { KubeApi } from '../machinery/kube-api.ts';
import { leftBehind, type Left } from './held-resources.ts';
import { withdraw, type Outcome, type Parts, type Registration } from './metrics-registration.ts';

/** As Helm knows it; the revision is what a refused uninstall has to be rolled back to. */
export interface Release {
  readonly namespace: string;
  readonly name: string;
  readonly revision: string;
}

export interface UninstallOptions extends Parts {
  readonly api: Pick<KubeApi, 'get' | 'list' | 'delete'>;
  readonly kinds: readonly Kind[];
  readonly release: Release;
  readonly namespaces: readonly string[];
  /** Undefined when the release has no metrics API. */
  readonly metrics?: Registration;
  readonly isForced: boolean;
  readonly say: (line: string) => void;
}

export async function uninstall(options: UninstallOptions): Promise<number> {
  const { say, isForced, metrics } = options;
  const left = await leftBehind(options);
  if (left.held > 0) {
    for (const line of refusal(left, options)) say(line);
    if (!isForced) return exitCode.badInput;
  }
  if (metrics !== undefined) say(withdrawn[await withdraw(metrics, options)]);
  say(farewell(left));
  return exitCode.finished;
}

function refusal(
  { held, examples }: Left,
  { release, isForced }: Pick<UninstallOptions, 'release' | 'isForced'>,
): readonly string[] {
  const more = held - examples.length;
  const found = [
    `${held} ${held === 1 ? 'resource' : 'resources'} can be let go of by an operator only:`,
    ...examples.map((name) => `  ${name}`),
    ...(more === 0 ? [] : [`  and ${more} more`]),
  ];
  if (isForced) {
    return [
      ...found,
      'Going on, as uninstall.force says: they stay until an operator is installed.',
    ];
  }
  const { namespace, name, revision } = release;
  return [
    ...found,
    'Nothing was changed. Delete them, wait until they are gone, and uninstall again:',
    '  kubectl delete <kind> <name> --namespace <namespace>',
    'Or keep the release, which Helm takes for half gone until you say:',
    `  helm rollback ${name} ${revision} --namespace ${namespace}`,
    'An upgrade with --set uninstall.force=true after that lets an uninstall leave them behind.',
  ];
}

const withdrawn: Readonly<Record<Outcome, string>> = {
  removed: 'The metrics API is taken out of the API server.',
  absent: 'No metrics API was registered.',
  foreign: 'The external metrics API belongs to somebody else and is left as it is.',
};

function farewell({ resources }: Left): string {
  if (resources === 0) return 'No resources are left behind. Definitions are kept.';
  const what =
    resources === 1 ? '1 resource and its pods' : `${resources} resources and their pods`;
  return `${what} stay as they are, without an operator. Definitions and data are kept.`;
}
