/** What the process behind a deployed cluster tells others about itself. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../backends/process-identity.ts';

export interface HostSide extends ProcessIdentity {
  readonly hostAddress: string;
  /** `stringData` of the backends Secret. */
  readonly backends: Readonly<Record<string, string>>;
}

export function hostSideFile(stateDir: string): string {
  return join(stateDir, 'host-side.json');
}

export async function readHostSide(stateDir: string): Promise<HostSide | undefined> {
  const text = await readFile(hostSideFile(stateDir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as HostSide);
}
