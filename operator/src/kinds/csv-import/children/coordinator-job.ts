/**
 * The coordinator: a Job, since it runs to an end. Its exit code says how it ended; bad configuration
 * and bad input are not tried again, losing a node is not counted, everything else is retried for as
 * long as it takes, because only the operator knows by cause when to give up.
 */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { renderingAnnotation, roleName, type Owner } from '../names.ts';
import { metadata } from './metadata.ts';
import type { PodTemplate } from './pod.ts';

/** sysexits of the runtime: its configuration, or its input, will never work. */
const hopelessExitCodes = [64, 65];
const backoffLimit = 100_000;

export function coordinatorJob(
  owner: Owner,
  options: {
    readonly template: PodTemplate;
    /** Digest of the rendering that the template is part of. */
    readonly rendering: string;
    readonly suspend: boolean;
  },
): KubeObject {
  const role = 'coordinator';
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(owner, {
      name: roleName(owner.name, role),
      component: role,
      annotations: { [renderingAnnotation]: options.rendering },
    }),
    spec: {
      backoffLimit,
      completions: 1,
      parallelism: 1,
      suspend: options.suspend,
      // The next coordinator starts only when the last has really ended.
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
      template: options.template,
    },
  };
}
