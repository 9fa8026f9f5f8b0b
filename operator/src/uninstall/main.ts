/**
 * The program of the chart's hook before an uninstall. Says what it finds on standard output, where
 * Helm and `kubectl logs` show it; a failure is one sentence and an exit code (64 and 65 are final, 75
 * is worth another try).
 */
import { kinds } from '@millrace/crds';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { endingOf } from '../cli/ending.ts';
import { loadConnection } from '../kube/connection.ts';
import { createHttpApi } from '../kube/http-api.ts';
import { parseArguments } from './arguments.ts';
import { uninstall } from './uninstall.ts';

async function main(): Promise<number> {
  const given = parseArguments(process.argv.slice(2));
  if (given === undefined) return exitCode.finished;
  const connection = await loadConnection({ env: process.env });
  const api = createHttpApi({ connection, clock: systemClock });
  try {
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    return await uninstall({ ...given, api, clock: systemClock, kinds, say });
  } finally {
    await api.close();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  const { code, text } = endingOf(error);
  process.stdout.write(`uninstall: ${text}\n`);
  return code;
});
