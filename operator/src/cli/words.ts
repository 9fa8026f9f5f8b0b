/** Small things said the same way everywhere: times, counts, tables, colours. */
import { styleText } from 'node:util';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `3 min`, as long as something has lasted; one unit is exact enough for people. */
export function duration(ms: number): string {
  if (ms < minuteMs) return `${Math.max(0, Math.floor(ms / 1_000))} s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`;
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)} h`;
  return `${Math.floor(ms / dayMs)} days`;
}

/** Milliseconds since the epoch; undefined where there is no readable time. */
export function timeOf(text: unknown): number | undefined {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Columns as wide as their widest cell, two spaces between them. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * Text from the cluster as it may be shown: a message can hold what a stranger wrote, and control
 * characters could rewrite the terminal. Line breaks become spaces.
 */
export function printable(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '·').trim();
}

export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Whether a stream has colours is decided where it is opened; here it is only obeyed. */
export function paintFor({ hasColours }: { readonly hasColours: boolean }): Paint {
  if (!hasColours) return (_, text) => text;
  return (format, text) => styleText(format, text, { validateStream: false });
}
