/** IncrementPipeline in play: a service that takes increments until it is ended. */
import { randomUUID } from 'node:crypto';
import type {
  IncrementPipelineProgress,
  IncrementPipelineStatus,
  IncrementTotals,
} from '@millrace/crds/increment-pipeline';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { conditionOf, readyEnd, readyView } from '../outcome.ts';
import { column, count } from '../view/figures.ts';
import {
  backendsDown,
  mapOf,
  specOf,
  titleOf,
  type PlayKind,
  type ResourceView,
} from './play-kind.ts';

export const incrementPipeline: PlayKind = {
  runsToAnEnd: false,
  fixed: ['target', 'partitions'],
  backends: () => ['postgres', 'redis'],
  claim: () => undefined,
  end: readyEnd,
  goesOn: () => true,
  view,
  summary,
  addresses,
};

function view(object: KubeObject): ResourceView {
  const { progress, workers, totals } = statusOf(object);
  return {
    name: object.metadata.name,
    ...readyView(object),
    ...special(object),
    figures: [
      ...(progress === undefined ? [] : flowing(progress)),
      ...(workers === undefined
        ? []
        : [`${String(workers.ready)}/${String(workers.wanted)} workers`]),
      ...(totals === undefined ? [] : aside(totals)),
    ],
    backendsDown: backendsDown(progress?.backends),
    isOver: false,
  };
}

function flowing(progress: IncrementPipelineProgress): readonly string[] {
  const { rates, totals, stalenessMs, partitions, backlog } = progress;
  return [
    `${count(rates.acceptedPerSecond ?? 0)}/s`,
    `${count(totals.accepted)} accepted`,
    `staleness ${(stalenessMs / 1_000).toFixed(1)} s`,
    `backlog ${count(backlog.increments)}`,
    `${String(partitions.owned)}/${String(partitions.total)} partitions`,
  ];
}

/** What never went to the table, where there is any. */
function aside({ deadLetters, lost }: IncrementTotals): readonly string[] {
  return [
    ...(deadLetters > 0 ? [`${count(deadLetters)} dead letters`] : []),
    ...(lost > 0 ? [`${count(lost)} lost`] : []),
  ];
}

/** What is worth the one word although it serves, or while it does not. */
function special(object: KubeObject): { readonly state?: string } {
  const told = ['Draining', 'Stale'].find((type) => conditionOf(object, type)?.status === 'True');
  return told === undefined ? {} : { state: told };
}

function summary(object: KubeObject): readonly string[] {
  const { state, message } = readyView(object);
  const { totals, progress } = statusOf(object);
  // Nobody asked for the suspension by which it was ended.
  const isDrained = state === 'Suspended';
  const title = titleOf(object, isDrained ? 'drained' : state);
  const isWell = isDrained || readyEnd(object)?.isWell === true;
  const why = isWell ? [] : [`  ${message}`];
  if (totals === undefined || (isWell && totals.accepted === 0)) return [title, ...why];
  const { accepted, committed, duplicates, deadLetters, lost } = totals;
  const backlog = progress?.backlog.increments ?? 0;
  const isEqual = accepted === committed + duplicates + deadLetters + lost + backlog;
  return [
    title,
    ...why,
    `  accepted      ${column(accepted)}  ${isEqual ? '=' : '≠'} the sum of what follows`,
    `  committed     ${column(committed)}`,
    `  duplicates    ${column(duplicates)}`,
    `  dead letters  ${column(deadLetters)}`,
    `  lost          ${column(lost)}`,
    `  backlog       ${column(backlog)}`,
  ];
}

/** A key of its own each time, so that the counts that are pasted begin at nothing. */
function addresses(object: KubeObject, url: string): readonly string[] {
  const gateway = mapOf(specOf(object)['gateway']);
  const isGuarded = mapOf(gateway['auth'])['mode'] === 'Tokens';
  const token = isGuarded ? ` -H "Authorization: Bearer $TOKEN"` : '';
  const key = randomUUID();
  return [
    `${object.metadata.name} takes increments at ${url}; try`,
    `  curl -i${token} -d '{"key":"${key}","value":1}' '${url}/increment'`,
    `  curl -i${token} -d '[{"key":"${key}","value":2},{"key":"${key}","value":3}]' '${url}/increments'`,
    `  curl${token} '${url}/counts/${key}'`,
    `  curl${token} '${url}/counts/${key}?fresh=true'`,
  ];
}

function statusOf(object: KubeObject): Partial<IncrementPipelineStatus> {
  return (object['status'] as Partial<IncrementPipelineStatus> | undefined) ?? {};
}
