/** What a result was measured on; two lines at the head of a report. */
import { availableParallelism, cpus, loadavg } from 'node:os';

export function machineLines(bench: string, args: readonly string[]): readonly string[] {
  const at = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const cores = `${String(availableParallelism())} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`;
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return [
    `- ${at}, \`${[`npm run bench -- ${bench}`, ...args].join(' ')}\``,
    `- ${cores}, Node ${process.version}, load before: ${load}`,
  ];
}
