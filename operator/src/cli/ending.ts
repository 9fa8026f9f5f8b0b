/**
 * How a command ends when it cannot do its work: one sentence on standard error that says what to do
 * next, and an exit code that says whether trying again, another command line or other data would
 * help. Only a bug prints a stack; causes are not printed.
 */
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { KubeFailure, type KubeReason } from '../machinery/kube-failure.ts';

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

export interface Ending {
  readonly code: number;
  readonly text: string;
}

export function endingOf(error: unknown): Ending {
  if (error instanceof CommandFailure) return { code: error.exitCode, text: error.message };
  if (error instanceof KubeFailure) return kubeEnding(error);
  if (error instanceof Failure && error.family !== 'Fault') {
    const isAway = error.family === 'Transient';
    return { code: isAway ? exitCode.tryAgain : exitCode.badConfiguration, text: error.message };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: exitCode.fault, text: `this is a bug of Millrace: ${text}` };
}

const away: ReadonlySet<KubeReason> = new Set([
  'Gone',
  'TooManyRequests',
  'ServerTimeout',
  'Timeout',
  'Unavailable',
  'InternalError',
]);

function kubeEnding({ reason, message }: KubeFailure): Ending {
  if (reason === 'Forbidden') {
    return {
      code: exitCode.badConfiguration,
      text: `the API server does not allow this: ${message}\nAsk for the permission, or use another --context.`,
    };
  }
  if (reason === 'Unauthorized') {
    return {
      code: exitCode.badConfiguration,
      text: `the API server does not know you: ${message}\nLog in again, or use another --context.`,
    };
  }
  if (away.has(reason)) {
    return {
      code: exitCode.tryAgain,
      text: `the API server does not answer: ${message}\nTry again; \`kubectl cluster-info\` shows which server is asked.`,
    };
  }
  return { code: exitCode.badInput, text: message };
}
