/**
 * What commands get from outside: a cluster, two streams, the time. Commands themselves read no
 * environment and open no connection, so that tests run them over the in-memory API.
 */
import type { KubeApi } from '../machinery/kube-api.ts';
import { endingOf } from './ending.ts';

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Cluster extends AsyncDisposable {
  readonly api: KubeApi;
  /** The one asked for, else that of the kubeconfig's context. */
  readonly namespace: string;
}

export interface Stream {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  readonly columns: number;
}

export interface CliContext {
  readonly out: Stream;
  readonly err: Stream;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** All of standard input, as text. */
  readonly input: () => Promise<string>;
  readonly connect: (flags: ClusterFlags) => Promise<Cluster>;
  readonly finish: (exitCode: number) => void;
  /** Ends a command that watches; without one it watches until it is killed. */
  readonly signal?: AbortSignal;
}

/** What a command does once it is connected; the result is the exit code. */
export type Work = (cluster: Cluster) => Promise<number>;

/** What can be wrong without a cluster is found out by `prepare`, before any is looked for. */
export async function runOnCluster(
  context: CliContext,
  flags: ClusterFlags,
  prepare: () => Work | Promise<Work>,
): Promise<void> {
  try {
    const work = await prepare();
    await using cluster = await context.connect(flags);
    context.finish(await work(cluster));
  } catch (error) {
    const { code, text } = endingOf(error);
    context.err.write(`error: ${text}\n`);
    context.finish(code);
  }
}

export const exitCodesHelp = `
Exit codes: 0 done, 64 wrong usage or no permission, 65 wrong input or no such resource,
75 the API server is away (try again), 70 a bug.`;
