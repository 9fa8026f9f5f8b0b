/** A resource's progress in one line: a bar for a terminal, words for a log; pure. */
import type { ResourceView } from './resource-view.ts';

const barWidth = 24;

export function barLine(view: ResourceView, columns: number): string {
  const filled = Math.round((view.percent / 100) * barWidth);
  const bar = `${'━'.repeat(filled)}${'╌'.repeat(barWidth - filled)}`;
  const line = `${view.name}  ${bar} ${String(view.percent).padStart(3)} %  ${figures(view)}  ${trouble(view)}`;
  // A line that wraps could not be redrawn in place.
  return Array.from(line.trimEnd())
    .slice(0, Math.max(20, columns - 1))
    .join('');
}

export function plainLine(view: ResourceView): string {
  return `${view.name}: ${String(view.percent)} %, ${figures(view)}, ${trouble(view)}`;
}

function figures(view: ResourceView): string {
  const { rowsRead, rowsPerSecond, rowsRejected, workersReady, workersWanted } = view;
  return [
    `${count(rowsRead)} rows`,
    ...(rowsPerSecond > 0 ? [`${count(rowsPerSecond)}/s`] : []),
    `${String(workersReady)}/${String(workersWanted)} workers`,
    ...(rowsRejected > 0 ? [`${count(rowsRejected)} rejected`] : []),
  ].join(', ');
}

function trouble(view: ResourceView): string {
  return view.backendsDown.length === 0 ? view.state : view.backendsDown.join(', ');
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
