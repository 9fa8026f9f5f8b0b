/** `kubectl millrace`; started by bin/kubectl-millrace.mjs, which finds a Node for it. */
import { processContext } from './config.ts';
import { kubectlProgram } from './program.ts';
import { runProgram } from './run-program.ts';

const context = processContext();
await runProgram(kubectlProgram(context), context);
