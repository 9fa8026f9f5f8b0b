/** What the commands get from the process they run in: the only reader of its environment here. */
import { text } from 'node:stream/consumers';
import { systemClock } from '@millrace/kit/clock';
import { Permanent } from '@millrace/kit/permanent';
import type { CliContext, Cluster, ClusterFlags, Stream } from './context.ts';
import { badUsage } from './ending.ts';

export function processContext(): CliContext {
  return {
    out: streamOf(process.stdout),
    err: streamOf(process.stderr),
    now: () => Date.now(),
    input: () => text(process.stdin),
    connect,
    finish: (code) => {
      process.exitCode = code;
    },
  };
}

function streamOf(stream: NodeJS.WriteStream): Stream {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has what it wanted, as `| head` does: nothing is wrong and nobody is left to tell.
    if (error.code === 'EPIPE') process.exit(0);
    // A full disk below a redirection, for one: what was printed is not whole.
    process.stderr.write(`error: the output cannot be written (${error.code ?? error.message})\n`);
    process.exit(1);
  });
  return {
    write: (line) => void stream.write(line),
    isTerminal: stream.isTTY === true,
    // Asks NO_COLOR and TERM too.
    hasColours: stream.isTTY === true && stream.hasColors(),
    // A terminal that has just been opened may say 0.
    columns: stream.isTTY === true && stream.columns > 0 ? stream.columns : 80,
  };
}

/** Loads the HTTP adapter only now: `--help` should not wait for it. */
async function connect(flags: ClusterFlags): Promise<Cluster> {
  const [{ loadConnection }, { createHttpApi }] = await Promise.all([
    import('../kube/connection.ts'),
    import('../kube/http-api.ts'),
  ]);
  const { kubeconfig, context, namespace } = flags;
  const connection = await loadConnection({
    env: process.env,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  }).catch((error: unknown) => {
    if (!(error instanceof Permanent)) throw error;
    throw badUsage(`${error.message}\n${whereClustersAre}`);
  });
  const api = createHttpApi({ connection, clock: systemClock });
  return {
    api,
    namespace: namespace ?? connection.namespace,
    [Symbol.asyncDispose]: () => api.close(),
  };
}

const whereClustersAre = `Name a cluster with --kubeconfig FILE or KUBECONFIG, and --context where the file has several.
\`npm run play\` keeps its API inside its own process: it shows its state itself and cannot be asked.`;
