/** A resource as a row of a table and as a page of its own; pure, and from its status alone. */
import type { Condition } from '@millrace/crds/conditions';
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { KindPreview, Ledger } from '../../machinery/preview.ts';
import { singularOf } from '../find-resource.ts';
import { scalerOf } from '../scaler.ts';
import { count, duration, printable, timeOf, type Paint } from '../words.ts';

interface Status {
  readonly conditions?: readonly Condition[];
  readonly observedGeneration?: number;
  readonly percent?: number;
  readonly totals?: Readonly<Record<string, number>>;
  readonly workers?: { readonly wanted?: number; readonly ready?: number };
  readonly scaling?: Partial<ScalingStatus>;
  readonly runtimeImage?: string;
}

export interface View {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `csvimport/users`, as it can be typed. */
  readonly title: string;
  readonly ready: string;
  readonly reason: string;
  readonly message: string | undefined;
  readonly sinceMs: number | undefined;
  readonly percent: number | undefined;
  readonly totals: Readonly<Record<string, number>> | undefined;
  readonly workers: { readonly wanted: number; readonly ready: number } | undefined;
  /** Who scales them. */
  readonly scaler: string | undefined;
  readonly image: string | undefined;
  readonly bornMs: number | undefined;
}

export function viewOf(
  resource: KubeObject,
  { type, ledger }: Pick<KindPreview, 'type' | 'ledger'>,
): View {
  const { kind, metadata } = resource;
  const status = (resource['status'] ?? {}) as Status;
  const held = status.conditions?.find((condition) => condition.type === 'Ready');
  const isBehind = (status.observedGeneration ?? -1) < (metadata.generation ?? 0);
  // What is said of an earlier generation is not said of this one.
  const current = isBehind ? undefined : held;
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    title: `${singularOf(type)}/${metadata.name}`,
    ready: current?.status ?? 'Unknown',
    reason: reasonOf(metadata, { held, isBehind }),
    message: held?.message,
    sinceMs: timeOf(held?.lastTransitionTime),
    percent: status.percent,
    totals: totalsOf(status, ledger),
    workers: workersOf(status),
    scaler: scalerOf(status.scaling),
    image: status.runtimeImage,
    bornMs: timeOf(metadata.creationTimestamp),
  };
}

function totalsOf(status: Status, ledger: Ledger | undefined): View['totals'] {
  const { totals } = status;
  const pending = ledger?.pending;
  if (totals === undefined || pending === undefined) return totals;
  return { ...totals, [pending.part]: pending.of(status) };
}

function workersOf({ workers }: Status): View['workers'] {
  return workers && { wanted: workers.wanted ?? 0, ready: workers.ready ?? 0 };
}

function reasonOf(
  { deletionTimestamp }: KubeObject['metadata'],
  { held, isBehind }: { readonly held: Condition | undefined; readonly isBehind: boolean },
): string {
  if (deletionTimestamp !== undefined) return 'Deleting';
  if (held === undefined) return 'NotSeenYet';
  return isBehind ? 'ChangeNotSeen' : held.reason;
}

export const columns = ['NAME', 'READY', 'REASON', 'DONE', 'TOTALS', 'WORKERS', 'AGE'] as const;

export function rowOf(view: View, ledger: Ledger | undefined, now: number): readonly string[] {
  const { title, ready, reason, percent, workers, bornMs } = view;
  return [
    title,
    ready,
    reason,
    percent === undefined ? '' : `${percent} %`,
    totalsText(view, ledger),
    workers === undefined ? '' : `${workers.ready}/${workers.wanted}`,
    bornMs === undefined ? '' : duration(now - bornMs),
  ];
}

function totalsText({ totals }: View, ledger: Ledger | undefined): string {
  if (totals === undefined || ledger === undefined) return '';
  const { whole, watched } = ledger;
  const bad = totals[watched] ?? 0;
  const seen = `${count(totals[whole] ?? 0)} ${whole}`;
  return bad === 0 ? seen : `${seen}, ${count(bad)} ${inWords(watched)}`;
}

export interface PageLook {
  readonly paint: Paint;
  readonly now: number;
  readonly isTerminal: boolean;
}

export function pageOf(view: View, ledger: Ledger | undefined, look: PageLook): readonly string[] {
  const { paint, now, isTerminal } = look;
  const { kind, namespace, name, ready, reason, message, sinceMs, percent, workers } = view;
  const since = sinceMs === undefined ? '' : `, since ${duration(now - sinceMs)}`;
  const colour = ready === 'True' ? 'green' : 'yellow';
  const lines = [
    `${paint('bold', `${kind} ${namespace}/${name}`)}  ready: ${paint(colour, ready)} (${reason}${since})`,
  ];
  if (message !== undefined) lines.push(`  ${printable(message)}`);
  if (percent !== undefined) lines.push(`  ${isTerminal ? bar(percent) : `${percent} % done`}`);
  const equation = equationOf(view, ledger);
  if (equation !== undefined) lines.push(`  ${equation}`);
  if (workers !== undefined) {
    const by = view.scaler === undefined ? '' : `, scaled by ${view.scaler}`;
    lines.push(`  workers  ${workers.ready} ready of ${workers.wanted} wanted${by}`);
  }
  if (view.image !== undefined) lines.push(`  image    ${view.image}`);
  if (view.bornMs !== undefined) lines.push(`  age      ${duration(now - view.bornMs)}`);
  if (ready !== 'True')
    lines.push(paint('dim', `  more: kubectl millrace why ${view.title} -n ${namespace}`));
  return lines;
}

const barWidth = 24;

function bar(percent: number): string {
  const filled = Math.round((percent / 100) * barWidth);
  return `${'━'.repeat(filled)}${'╌'.repeat(barWidth - filled)} ${percent} %`;
}

/** `read 1,200 = loaded 1,190 + superseded 7 + rejected 3`; ≠ says that it does not add up. */
function equationOf({ totals }: View, ledger: Ledger | undefined): string | undefined {
  if (totals === undefined || ledger === undefined) return undefined;
  const { whole, pending } = ledger;
  const parts = [...ledger.parts, ...(pending === undefined ? [] : [pending.part])];
  const figure = (part: string): string => `${inWords(part)} ${count(totals[part] ?? 0)}`;
  const sum = parts.reduce((total, part) => total + (totals[part] ?? 0), 0);
  const sign = sum === (totals[whole] ?? 0) ? '=' : '≠';
  return `${figure(whole)} ${sign} ${parts.map(figure).join(' + ')}`;
}

/** `deadLetters` as people write it. */
function inWords(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
