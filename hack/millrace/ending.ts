/**
 * How a command ends when it cannot do its work: one sentence on standard error and an exit code
 * that says whether trying again, another command line, or other data would help.
 *
 * Only a bug prints a stack. Causes are not printed, since drivers quote values in their messages.
 */
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { Refusal } from '../play/refusal.ts';

export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(code: number, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CommandFailure';
    this.exitCode = code;
  }
}

export function badUsage(message: string): CommandFailure {
  return new CommandFailure(exitCode.badConfiguration, message);
}

export const exitCodesHelp = `
Exit codes: 0 done, 64 wrong usage, 75 a backend is away or locked (try again), 70 a bug.`;

/** Runs the work of a command; its result is the exit code. */
export async function runToExitCode(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    const { code, text } = ending(error);
    process.stderr.write(`error: ${text}\n`);
    process.exitCode = code;
  }
}

export function ending(error: unknown): { readonly code: number; readonly text: string } {
  if (error instanceof CommandFailure) return { code: error.exitCode, text: error.message };
  if (error instanceof Refusal) return { code: exitCode.badConfiguration, text: error.message };
  if (error instanceof Failure && error.family !== 'Fault') {
    const isAway = error.family === 'Transient';
    return { code: isAway ? exitCode.tryAgain : exitCode.badInput, text: error.message };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: exitCode.fault, text: `this is a bug of Millrace: ${text}` };
}
