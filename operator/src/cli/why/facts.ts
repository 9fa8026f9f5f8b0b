/**
 * Gathers what can be known of one resource: itself, its children and pods, what was said of them in
 * the last hour, and whether an operator leads. What the person may not read is named and left out.
 */
import type { Condition } from '@millrace/crds/conditions';
import type { Waiting } from '@millrace/crds/operator-notes';
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KubeApi, KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { eventType } from '../../machinery/events.ts';
import type { KindPreview } from '../../machinery/preview.ts';
import { warningsAbout, type Warning } from './warnings.ts';
import { isForbidden, lookForLeader, type Leader } from './leader.ts';

export interface Facts {
  readonly resource: KubeObject;
  readonly status: Status;
  readonly children: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  /** Warnings of the last hour about the resource, its children or its pods; newest first. */
  readonly warnings: readonly Warning[];
  readonly leader: Leader;
  /** What could not be read for lack of permission, as plurals. */
  readonly unseen: readonly string[];
  readonly now: number;
}

/** What every kind's status has. */
export interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly waiting?: readonly Waiting[];
  readonly scaling?: Partial<ScalingStatus>;
}

export interface GatherOptions {
  readonly api: KubeApi;
  readonly preview: KindPreview;
  readonly leaseName: string;
  readonly now: number;
}

const podType: ResourceType = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };

export async function gather(resource: KubeObject, options: GatherOptions): Promise<Facts> {
  const { api, preview, now } = options;
  const { namespace } = resource.metadata;
  const labels = preview.childLabels(resource);
  const unseen: string[] = [];
  const listed = async (
    type: ResourceType,
    wanted: typeof labels,
  ): Promise<readonly KubeObject[]> => {
    try {
      return (await api.list(type, { namespace, labels: wanted })).items;
    } catch (error) {
      if (!isForbidden(error)) throw error;
      unseen.push(type.plural);
      return [];
    }
  };
  const children: KubeObject[] = [];
  for (const type of preview.childTypes) children.push(...(await listed(type, labels)));
  const pods = await listed(podType, labels);
  const about = new Map([resource, ...children, ...pods].map((one) => [one.metadata.uid, one]));
  const events = await listed(eventType, {});
  const leader = await lookForLeader(api, { name: options.leaseName, namespace, now });
  return {
    resource,
    status: (resource['status'] ?? {}) as Status,
    children,
    pods,
    warnings: warningsAbout(about, events, now),
    leader,
    unseen,
    now,
  };
}
