/** Results as lines of a Markdown table; pure. */

/** One line of the report. `met` is undefined where the issue asks for a figure and sets no bar. */
export interface Result {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly met: boolean | undefined;
}

export function verdict(result: Result): string {
  if (result.met === undefined) return 'shown';
  return result.met ? 'met' : 'missed';
}

export const header: readonly string[] = [
  '| what | measured | bar | |',
  '| --- | --- | --- | --- |',
];

export function line(result: Result): string {
  return `| ${[result.what, result.measured, result.bar, verdict(result)].join(' | ')} |`;
}
