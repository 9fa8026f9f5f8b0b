/**
 * Nodes without containers (tier c): kwok answers for them, and says of every pod that is placed on
 * one that it runs, and of every pod of a Job that it has succeeded, as soon as it sees it.
 *
 * For what looks at the status of pods and not into them. No image is needed, no process starts, and
 * probes and exit codes mean nothing. How pods come to their status is said by kwok's own stages,
 * which are read from its module as they are.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Command, Installation } from '../backends/backend.ts';
import { goTool } from '../tools/go-tool.ts';
import { recipes } from '../tools/recipes.ts';
import type { BuildOptions } from './build.ts';
import { command, type ProgramSettings } from './programs.ts';

export const fakeNodes = ['fake-1', 'fake-2', 'fake-3'] as const;
/** Room for 65 000 pods; nothing ever routes to it. */
const podRange = '10.245.0.0/16';

/** The programs of a control plane and kwok, from the cache or built into it. */
export async function withKwok(
  installation: Installation,
  options: BuildOptions,
): Promise<Installation> {
  const kwok = await goTool({ name: 'kwok', ...options });
  return { ...installation, programs: { ...installation.programs, kwok } };
}

export function kwok(settings: ProgramSettings): Command {
  const folder = dirname(settings.installation.programs['kwok'] ?? '');
  const stages = recipes.kwok.files.map((path) => join(folder, path));
  return command(settings, 'kwok', {
    kubeconfig: settings.files.kubeconfig,
    config: stages.join(','),
    cidr: podRange,
    'manage-all-nodes': true,
    'node-lease-duration-seconds': 40,
  });
}

function node(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': process.arch === 'arm64' ? 'arm64' : 'amd64',
        'topology.kubernetes.io/zone': `zone-${name.slice(-1)}`,
      },
    },
  };
}

/** Each in a zone of its own, so that spreads over zones have something to spread over. */
export async function writeFakeNodes(root: string): Promise<string> {
  const path = join(root, 'fake-nodes.json');
  const list = { apiVersion: 'v1', kind: 'List', items: fakeNodes.map(node) };
  await writeFile(path, JSON.stringify(list));
  return path;
}
