/** The metrics API as a process; `--help` says how. */
import { runProgram } from '../process/program.ts';
import { parseArguments } from './arguments.ts';
import { readConfig } from './config.ts';
import { run } from './run.ts';

await runProgram({ name: 'metrics-api', parseArguments, readConfig, run });
