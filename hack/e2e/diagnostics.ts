/**
 * What somebody wants to see when a test of the cluster has failed, at most a few hundred lines: which
 * pods there are, what the resources say, the newest events, and the end of the logs of pods that are
 * not ready and of the operator. Each part is bounded in time and size, and one that cannot be had
 * says why; nothing here fails.
 */
import { lastLines } from '../backends/command.ts';
import { kubectl, type Tools } from './commands.ts';
import { messageOf } from './waiting.ts';

const partTimeoutMs = 15_000;
const linesMax = 60;
const logLines = 25;
const podsMax = 6;

const parts: readonly { readonly title: string; readonly args: readonly string[] }[] = [
  { title: 'nodes', args: ['get', 'nodes', '-o', 'wide'] },
  { title: 'pods', args: ['get', 'pods', '-A', '-o', 'wide'] },
  { title: 'resources', args: ['get', 'millrace', '-A', '-o', 'wide'] },
  { title: 'autoscalers', args: ['get', 'hpa', '-A'] },
  {
    title: 'why',
    args: [
      'get',
      'millrace',
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.name}: {.status}{"\\n"}{end}',
    ],
  },
  { title: 'API services', args: ['get', 'apiservices', 'v1beta1.external.metrics.k8s.io'] },
  {
    title: 'events',
    args: ['get', 'events', '-A', '--sort-by=.metadata.creationTimestamp', '--no-headers'],
  },
];

export async function printDiagnostics(tools: Tools, log: (text: string) => void): Promise<void> {
  for (const { title, args } of parts) log(`--- ${title}\n${await output(tools, args)}`);
  for (const { namespace, name } of await podsToHear(tools)) {
    const place = ['logs', '-n', namespace, name, '--all-containers', '--prefix'];
    const now = [...place, `--tail=${String(logLines)}`];
    log(`--- log of ${namespace}/${name}\n${await output(tools, now)}`);
  }
}

async function output(tools: Tools, args: readonly string[]): Promise<string> {
  try {
    return lastLines(await kubectl(tools, args, { timeoutMs: partTimeoutMs }), linesMax);
  } catch (error) {
    return messageOf(error);
  }
}

interface PodLine {
  readonly namespace: string;
  readonly name: string;
}

/** The operator's, and those that are not ready though they should be. */
async function podsToHear(tools: Tools): Promise<readonly PodLine[]> {
  const columns =
    'custom-columns=NS:.metadata.namespace,NAME:.metadata.name,PHASE:.status.phase,READY:.status.containerStatuses[*].ready';
  const text = await output(tools, ['get', 'pods', '-A', '--no-headers', '-o', columns]);
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, name, phase, ready = '']) => {
      const isOperator = name?.startsWith('millrace-') === true;
      return isOperator || (phase !== 'Succeeded' && ready.includes('false')) || phase === 'Failed';
    })
    .map(([namespace = '', name = '']) => ({ namespace, name }))
    .slice(0, podsMax);
}
