/** The results as Markdown; pure. */
import { verdict, type Result } from './bench.ts';

export const header: readonly string[] = [
  '| what | measured | bar | |',
  '| --- | --- | --- | --- |',
];

export function line(result: Result): string {
  return `| ${[result.what, result.measured, result.bar, verdict(result)].join(' | ')} |`;
}
