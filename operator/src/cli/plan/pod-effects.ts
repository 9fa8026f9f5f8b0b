/** Which pods a step would take down, and why: what a person has to know before anything else. */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { changeText, type FieldChange } from '../field-changes.ts';
import { selectedPods } from '../pods.ts';
import type { Reader } from './world.ts';

export interface PodEffect {
  readonly effect: 'restart' | 'end';
  readonly names: readonly string[];
  /** The changes of the pod template. */
  readonly because: readonly string[];
}

const template = 'spec.template';

/** Pods are made from a template: a changed one replaces every pod of the workload. */
export async function restartedPods(
  before: KubeObject,
  changes: readonly FieldChange[],
  world: Reader,
): Promise<{ readonly pods?: PodEffect }> {
  const because = changes.filter(({ path }) => path.startsWith(template));
  if (because.length === 0) return {};
  const names = await runningPods(before, world);
  if (names.length === 0) return {};
  return { pods: { effect: 'restart', names, because: because.map(changeText) } };
}

export async function endedPods(
  before: KubeObject | undefined,
  world: Reader,
): Promise<{ readonly pods?: PodEffect }> {
  const names = before === undefined ? [] : await runningPods(before, world);
  return names.length === 0 ? {} : { pods: { effect: 'end', names, because: [] } };
}

async function runningPods(workload: KubeObject, world: Reader): Promise<readonly string[]> {
  const pods = await selectedPods(workload, world);
  return pods.filter(isRunning).map(({ metadata }) => metadata.name);
}

function isRunning(pod: KubeObject): boolean {
  const { phase } = (pod['status'] ?? {}) as { readonly phase?: string };
  return (
    phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined
  );
}
