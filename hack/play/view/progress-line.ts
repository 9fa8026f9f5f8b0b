/** A resource's progress in one line: a bar for a terminal, words for a log; pure. */
import type { ResourceView } from '../kinds/play-kind.ts';

const barWidth = 24;

/** Without an end to come to there is no bar. */
export function barLine(view: ResourceView, columns: number): string {
  const { name, percent } = view;
  const how = percent === undefined ? '' : `${bar(percent)} ${String(percent).padStart(3)} %  `;
  const line = `${name}  ${how}${view.figures.join(', ')}  ${trouble(view)}`;
  // A line that wraps could not be redrawn in place.
  return Array.from(line.trimEnd())
    .slice(0, Math.max(20, columns - 1))
    .join('');
}

export function plainLine(view: ResourceView): string {
  const { name, percent, figures } = view;
  const parts = [...(percent === undefined ? [] : [`${String(percent)} %`]), ...figures];
  return `${name}: ${[...parts, trouble(view)].join(', ')}`;
}

function bar(percent: number): string {
  const filled = Math.round((percent / 100) * barWidth);
  return `${'━'.repeat(filled)}${'╌'.repeat(barWidth - filled)}`;
}

function trouble(view: ResourceView): string {
  return view.backendsDown.length === 0 ? view.state : view.backendsDown.join(', ');
}
