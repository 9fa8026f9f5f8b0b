/**
 * Builds the Go programs, and fetches the browser, that suites of this run will ask for, before the time of any test runs: on a
 * host that has none of them that takes minutes, later nothing.
 *
 * What cannot be had is only told here. Each suite asks for its programs again, and skips or fails
 * for want of them as it sees fit.
 */
import type { TestProject } from 'vitest/node';

import { findChromium } from '../browser/chromium.ts';
import { canRunNode } from '../cluster/host.ts';
import { findNodePrograms } from '../cluster/node-programs.ts';
import { goTool, type GoToolName } from '../tools/go-tool.ts';

interface Need {
  /** Part of the path of suites that need it. */
  readonly suites: string;
  readonly tools: readonly GoToolName[];
  readonly node?: boolean;
  readonly browser?: boolean;
}

const needs: readonly Need[] = [
  { suites: '/hack/charts/', tools: ['helm', 'kubeconform'] },
  { suites: '/hack/skaffold/', tools: ['helm', 'skaffold'] },
  { suites: '/hack/backends/', tools: ['versitygw'] },
  { suites: '/hack/cluster/kwok', tools: ['kwok'] },
  { suites: '/hack/cluster/node', tools: [], node: true },
  { suites: '/hack/browser/', tools: [], browser: true },
];

const log = (line: string): void => console.error(`programs: ${line}`);

async function told(what: Promise<unknown>): Promise<void> {
  try {
    await what;
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
  }
}

/** The name vitest looks for. */
export async function setup(project: TestProject): Promise<void> {
  const filters: unknown = Reflect.get(project.vitest, 'filenamePattern');
  const names = Array.isArray(filters) ? filters.map(String) : [];
  const { testFiles } = await project.globTestFiles(names);
  const wanted = needs.filter(({ suites }) => testFiles.some((path) => path.includes(suites)));
  const { env } = process;
  // One after the other: each uses all cores, and later ones share packages with earlier ones.
  for (const name of new Set(wanted.flatMap(({ tools }) => tools))) {
    await told(goTool({ name, env, log }));
  }
  if (wanted.some(({ browser }) => browser === true)) await told(findChromium({ env, log }));
  const isNodeWanted = wanted.some(({ node }) => node === true);
  if (isNodeWanted && (await canRunNode()) === undefined) {
    await told(findNodePrograms({ env, log, signal: new AbortController().signal }));
  }
}
