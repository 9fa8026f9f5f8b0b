/**
 * The metrics API as a process: reads command line, configuration and kubeconfig, makes log and
 * metrics, and hands over to `run`.
 */
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { runProcess } from '@millrace/kit/lifecycle';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { loadConnection } from '../kube/connection.ts';
import { parseArguments } from './arguments.ts';
import { readConfig } from './config.ts';
import { run, type RunOptions } from './run.ts';

/** Before there is a log, people read what went wrong on standard error. */
async function settings(args: readonly string[]): Promise<RunOptions> {
  const given = parseArguments(args);
  if (given === undefined) process.exit(exitCode.finished);
  const config = readConfig(given, process.env);
  const { kubeconfig, context } = config;
  const connection = await loadConnection({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    env: process.env,
  });
  const log = createLog({ level: config.logLevel, bindings: { program: 'millrace-metrics-api' } });
  return { config, connection, clock: systemClock, log, metrics: createMetrics({}) };
}

async function main(): Promise<void> {
  let options: RunOptions;
  try {
    options = await settings(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`metrics-api: ${error.message}\n`);
    process.exit(exitCode.badConfiguration);
  }
  const { log, config } = options;
  await runProcess((signal) => run(options, signal), { log, graceMs: config.graceMs });
}

await main();
