/**
 * A long-running program from its command line to its exit code: settings, the connection to the API
 * server, log and metrics, then `run` until it is told to stop. Before there is a log, what went wrong
 * is a sentence on standard error and exit 64.
 */
import { systemClock, type Clock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { runProcess } from '@millrace/kit/lifecycle';
import { createLog, type Log } from '@millrace/kit/log';
import { createMetrics, type Metrics } from '@millrace/kit/metrics';
import { loadConnection, type Connection } from '../kube/connection.ts';
import type { Given } from './settings.ts';

/** What the settings of every program have. */
export interface ProgramConfig {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly logLevel: string;
  readonly graceMs: number;
}

/** What a program runs with. */
export interface Surroundings<C extends ProgramConfig> {
  readonly config: C;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Program<C extends ProgramConfig> {
  /** In logs as `millrace-<name>`, in errors as it is. */
  readonly name: string;
  /** Undefined when help was asked for and given. */
  parseArguments(args: readonly string[]): Given | undefined;
  readConfig(given: Given, env: NodeJS.ProcessEnv): C;
  /** Resolves to the exit code. */
  run(surroundings: Surroundings<C>, signal: AbortSignal): Promise<number>;
}

export async function runProgram<C extends ProgramConfig>(program: Program<C>): Promise<void> {
  let surroundings: Surroundings<C>;
  try {
    surroundings = await surroundingsOf(program, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${program.name}: ${error.message}\n`);
    process.exit(exitCode.badConfiguration);
  }
  const { log, config } = surroundings;
  await runProcess((signal) => program.run(surroundings, signal), { log, graceMs: config.graceMs });
}

async function surroundingsOf<C extends ProgramConfig>(
  program: Program<C>,
  args: readonly string[],
): Promise<Surroundings<C>> {
  const given = program.parseArguments(args);
  if (given === undefined) process.exit(exitCode.finished);
  const config = program.readConfig(given, process.env);
  const { kubeconfig, context, logLevel } = config;
  const connection = await loadConnection({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    env: process.env,
  });
  const log = createLog({ level: logLevel, bindings: { program: `millrace-${program.name}` } });
  return { config, connection, clock: systemClock, log, metrics: createMetrics({}) };
}
