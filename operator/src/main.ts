/** The operator as a process: `npm run operator -- --help` says how. */
import { parseArguments } from './arguments.ts';
import { readConfig } from './config.ts';
import { runProgram } from './process/program.ts';
import { run } from './run.ts';

await runProgram({ name: 'operator', parseArguments, readConfig, run });
