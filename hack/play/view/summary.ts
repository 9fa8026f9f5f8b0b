/** The end of a run in words: one block a resource, with the sum that must hold. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { count } from './progress-line.ts';
import { statusOf, viewOf } from './resource-view.ts';

export function summary(object: KubeObject, seconds: number): readonly string[] {
  const view = viewOf(object);
  const { totals, progress } = statusOf(object);
  const title = `${object.kind} ${object.metadata.namespace}/${view.name}: ${view.state}`;
  if (totals === undefined) return [title, `  ${view.message}`];
  const { read, loaded, superseded, rejected, comments, blank } = totals;
  const isEqual = read === loaded + superseded + rejected;
  const reasons = (progress?.rejectReasons ?? []).map(
    ({ reason, rows }) => `${reason} ${count(rows)}`,
  );
  return [
    title,
    ...(view.end?.isComplete === true ? [] : [`  ${view.message}`]),
    `  read        ${column(read)}  ${isEqual ? '=' : '≠'} loaded + superseded + rejected`,
    `  loaded      ${column(loaded)}`,
    `  superseded  ${column(superseded)}`,
    `  rejected    ${column(rejected)}${reasons.length === 0 ? '' : `  ${reasons.join(', ')}`}`,
    ...(comments + blank > 0
      ? [`  skipped     ${column(comments + blank)}  comments and blank lines`]
      : []),
    `  in ${seconds.toFixed(1)} s, ${count(read / Math.max(seconds, 0.001))} rows/s from start to end`,
    ...(rejected > 0 ? [`  rejects with reasons: table ${tableOf(object)}_rejects`] : []),
  ];
}

function column(value: number): string {
  return count(value).padStart(12);
}

export function tableOf(object: KubeObject): string {
  const spec = object['spec'] as { readonly target?: { readonly table?: string } } | undefined;
  return spec?.target?.table ?? '';
}
