/**
 * What play starts as a pod in a chaos run: the runtimes' own entry point, after two things that no
 * product has a switch for. The URLs of the mounted Secret lead to the proxies of the pod's role, and
 * deadly records kill. Trials that a worker starts come here with their worker's environment.
 *
 * `node pod-main.ts <plan.json> <kind> <role>`
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkKeys, linkNames, endOf, roleOf, type PodPlan } from './links.ts';

const planVariable = 'CHAOS_PLAN';
const backendsVariable = 'MILLRACE_BACKENDS_DIR';

if (process.env[planVariable] === undefined) {
  // The runtimes count their arguments from the second, and a worker hands its own on.
  [process.env[planVariable]] = process.argv.splice(2, 1);
  const plan = readPlan();
  if (Object.keys(plan.ports).length > 0) useProxies(plan, process.argv[3] ?? '');
}
const { deadly } = readPlan();
if (deadly !== undefined) await import(deadly);
await import('../../../runtimes/src/main.ts');

function readPlan(): PodPlan {
  return JSON.parse(readFileSync(process.env[planVariable] ?? '', 'utf8')) as PodPlan;
}

/** A copy of the Secret's files: the originals are play's. */
function useProxies({ ports }: PodPlan, role: string): void {
  const mounted = process.env[backendsVariable] ?? '';
  const folder = `${mounted}-proxied`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const portOf = new Map<string, number | undefined>(
    linkNames
      .filter((link) => roleOf(link) === role)
      .map((link) => [linkKeys[endOf(link)], ports[link]]),
  );
  for (const key of readdirSync(mounted).filter((name) => !name.startsWith('.'))) {
    const url = readFileSync(join(mounted, key), 'utf8');
    const port = portOf.get(key);
    writeFileSync(join(folder, key), port === undefined ? url : withPort(url, port), {
      mode: 0o600,
    });
  }
  process.env[backendsVariable] = folder;
}

function withPort(url: string, port: number): string {
  const it = new URL(url);
  it.port = String(port);
  return it.toString();
}
