/**
 * What `helm test` runs in the cluster: one import from beginning to end. Its output is for whoever
 * typed the command, so it is lines for people and no log.
 */
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { loadConnection } from '../kube/connection.ts';
import { createHttpApi } from '../kube/http-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import type { TestImport } from './hundred-rows.ts';
import { runImport } from './run-import.ts';

interface Arguments extends TestImport {
  readonly timeoutSeconds: number;
}

function seconds(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A time is a number of seconds from 1 to 9999.');
}

function parsed(args: readonly string[]): Arguments {
  const command = new Command('chart-test')
    .description('Imports a hundred rows from a claim and waits until they are all there.')
    .requiredOption('--namespace <name>', 'where to make the import')
    .requiredOption('--name <name>', 'of the import')
    .requiredOption('--claim-name <name>', 'of the PersistentVolumeClaim with the file')
    .requiredOption('--path <path>', 'of the file in it')
    .requiredOption('--secret-name <name>', 'of the Secret with the backends')
    .option('--timeout-seconds <seconds>', 'how long it may take', seconds, 180)
    .allowExcessArguments(false)
    .exitOverride();
  return command.parse([...args], { from: 'user' }).opts<Arguments>();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const { timeoutSeconds, ...wanted } = parsed(args);
  const connection = await loadConnection({ env: process.env });
  const api = createHttpApi({ connection, clock: systemClock });
  try {
    const run = { api, clock: systemClock, say, timeoutMs: timeoutSeconds * 1_000 };
    return (await runImport(run, wanted)) ? exitCode.finished : 1;
  } finally {
    await api.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.finished : exitCode.badConfiguration;
  } else if (error instanceof KubeFailure || error instanceof Failure) {
    say(`FAILED: ${error.message}`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
