/** `kubectl millrace`; started by bin/kubectl-millrace.mjs, which finds a Node for it. */
import { processContext } from './config.ts';
import { kubectlProgram, runProgram } from './program.ts';

const context = processContext();
await runProgram(kubectlProgram(context), context);
