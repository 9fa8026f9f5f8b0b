/**
 * A Job of one pod that runs to an end, and the few facts of it that decisions need. Its exit code
 * says how it ended; bad configuration and bad input are not tried again, losing a node is not
 * counted, everything else is retried for as long as it takes, because only the operator knows by
 * cause when to give up.
 */
import type { KubeObject } from '../kube-api.ts';
import { renderingAnnotation, roleName, type KindNames, type Owner } from './names.ts';
import type { PodTemplate } from './pod-template.ts';

/** How a pod that ends by itself ended, by the sysexits of the runtime. */
export const exit = { finished: 0, badConfiguration: 64, badInput: 65 } as const;
const hopelessExitCodes = [exit.badConfiguration, exit.badInput];
const backoffLimit = 100_000;

export interface JobOptions<Role extends string> {
  readonly role: Role;
  readonly template: PodTemplate;
  /** Digest of the rendering that the template is part of. */
  readonly rendering: string;
  readonly suspend: boolean;
}

export function job<Role extends string>(
  names: Pick<KindNames<Role>, 'metadata'>,
  owner: Owner,
  { role, template, rendering, suspend }: JobOptions<Role>,
): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: names.metadata(owner, {
      name: roleName(owner.name, role),
      component: role,
      annotations: { [renderingAnnotation]: rendering },
    }),
    spec: {
      backoffLimit,
      completions: 1,
      parallelism: 1,
      suspend,
      // The next pod starts only when the last has really ended.
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: role, operator: 'In', values: hopelessExitCodes },
          },
          {
            action: 'Ignore',
            onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
          },
        ],
      },
      template,
    },
  };
}

interface JobFields {
  readonly spec?: { readonly suspend?: boolean };
  readonly status?: {
    readonly failed?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

export interface JobFacts {
  readonly uid: string;
  /** Digest of the rendering it was made from. */
  readonly rendering: string | undefined;
  readonly isSuspended: boolean;
  /** Its controller has acted on a suspension, and on no resumption since. */
  readonly isSuspensionSeen: boolean;
  readonly failedPods: number;
  readonly end: 'Complete' | 'Failed' | undefined;
  readonly endedAtMs: number | undefined;
}

export function jobFacts(job: KubeObject): JobFacts {
  // The API server validates Jobs; every field is read as optional all the same.
  const { spec, status } = job as JobFields;
  const holding = (status?.conditions ?? []).filter((condition) => condition.status === 'True');
  const end = holding.find(({ type }) => type === 'Complete' || type === 'Failed');
  return {
    uid: job.metadata.uid ?? '',
    rendering: job.metadata.annotations?.[renderingAnnotation],
    isSuspended: spec?.suspend === true,
    isSuspensionSeen: holding.some(({ type }) => type === 'Suspended'),
    failedPods: status?.failed ?? 0,
    end: end === undefined ? undefined : end.type === 'Complete' ? 'Complete' : 'Failed',
    endedAtMs:
      end?.lastTransitionTime === undefined ? undefined : Date.parse(end.lastTransitionTime),
  };
}
