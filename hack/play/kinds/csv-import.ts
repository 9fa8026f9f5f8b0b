/** CsvImport in play: one file of rows to a table, and served where the manifest asks for it. */
import { isDeepStrictEqual } from 'node:util';
import type { CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { BackendName } from '../../backends/backend.ts';
import { completeEnd, conditionOf, type End } from '../outcome.ts';
import { column, count } from '../view/figures.ts';
import {
  backendsDown,
  mapOf,
  specOf,
  textOf,
  titleOf,
  type ClaimUse,
  type PlayKind,
  type ResourceView,
  type Spec,
  type Specs,
} from './play-kind.ts';

const fixed = ['source', 'format', 'columns', 'target', 'chunkBytes', 'maxRecordBytes'] as const;

export const csvImport: PlayKind = {
  runsToAnEnd: true,
  fixed,
  backends,
  claim,
  end: completeEnd,
  goesOn,
  view,
  summary,
  addresses,
};

function backends(spec: Spec): readonly BackendName[] {
  const mode = mapOf(spec['cache'])['mode'] ?? 'Off';
  return [
    'postgres',
    'rabbitmq',
    ...(mode === 'Off' ? [] : (['redis'] as const)),
    ...(mapOf(spec['source'])['s3'] === undefined ? [] : (['s3'] as const)),
  ];
}

function claim(spec: Spec): ClaimUse | undefined {
  const name = mapOf(mapOf(spec['source'])['volume'])['claimName'];
  return typeof name === 'string' ? { name, field: 'spec.source.volume.claimName' } : undefined;
}

/** One that failed of too many rejects is resumed when more are allowed: that is what it is for. */
function goesOn({ isWell, reason }: End, { before, after }: Specs): boolean {
  const isMoved = fixed.some((field) => !isDeepStrictEqual(before[field], after[field]));
  const isRaised = !isMoved && !isDeepStrictEqual(before['rejects'], after['rejects']);
  return !isWell && reason === 'TooManyRejects' && isRaised;
}

const noTotals = { read: 0, rejected: 0 };
const noWorkers = { ready: 0, wanted: 0 };

function view(object: KubeObject): ResourceView {
  const { progress, percent = 0 } = statusOf(object);
  const end = completeEnd(object);
  const ready = conditionOf(object, 'Ready') ?? { reason: 'Accepted', message: '' };
  const { reason, message } = end ?? ready;
  return {
    name: object.metadata.name,
    state: end?.isWell === true ? 'Complete' : reason,
    message,
    percent,
    figures: figures(statusOf(object)),
    backendsDown: backendsDown(progress?.backends),
    isOver: end !== undefined,
  };
}

function figures(status: Partial<CsvImportStatus>): readonly string[] {
  const { progress, workers = noWorkers, totals = noTotals } = status;
  const rowsPerSecond = progress?.rowsPerSecond ?? 0;
  return [
    `${count(totals.read)} rows`,
    ...(rowsPerSecond > 0 ? [`${count(rowsPerSecond)}/s`] : []),
    `${String(workers.ready)}/${String(workers.wanted)} workers`,
    ...(totals.rejected > 0 ? [`${count(totals.rejected)} rejected`] : []),
  ];
}

function summary(object: KubeObject, seconds: number): readonly string[] {
  const { state, message } = view(object);
  const { totals, progress } = statusOf(object);
  const title = titleOf(object, state);
  if (totals === undefined) return [title, `  ${message}`];
  const { read, loaded, superseded, rejected, comments, blank } = totals;
  const isEqual = read === loaded + superseded + rejected;
  const reasons = (progress?.rejectReasons ?? []).map(
    ({ reason, rows }) => `${reason} ${count(rows)}`,
  );
  return [
    title,
    ...(completeEnd(object)?.isWell === true ? [] : [`  ${message}`]),
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

function addresses(object: KubeObject, url: string): readonly string[] {
  const spec = specOf(object);
  const filters = mapOf(spec['serve'])['filters'];
  const filter: unknown = Array.isArray(filters) ? filters[0] : undefined;
  const base = `${url}/${tableOf(object)}`;
  return [
    `${object.metadata.name} is served at ${base}; watch it live in a browser at ${url}/, or try`,
    `  curl '${base}?limit=5'`,
    ...(typeof filter === 'string' ? [`  curl '${base}?${filter}=a&limit=5'`] : []),
    ...(mapOf(spec['target'])['key'] === undefined ? [] : [`  curl '${base}/1'`]),
  ];
}

function tableOf(object: KubeObject): string {
  return textOf(mapOf(specOf(object)['target'])['table']);
}

function statusOf(object: KubeObject): Partial<CsvImportStatus> {
  return (object['status'] as Partial<CsvImportStatus> | undefined) ?? {};
}
