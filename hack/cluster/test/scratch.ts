/** A folder that is gone after the test, and stand-ins for the programs of a control plane. */
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { endServer } from '../../backends/server.ts';
import { programNames } from '../build.ts';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
  /** A folder with links to real programs, and scripts in place of some of them. */
  assets(scripts: Readonly<Record<string, string>>, real?: string): Promise<string>;
}

export async function scratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-cluster-'));
  return {
    path,
    async assets(scripts, real) {
      const folder = await mkdtemp(join(path, 'assets-'));
      const linked = real === undefined ? [] : programNames.filter((name) => !(name in scripts));
      for (const name of linked) await symlink(join(real ?? '', name), join(folder, name));
      for (const [name, script] of Object.entries(scripts)) {
        await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      }
      return folder;
    },
    async [Symbol.asyncDispose]() {
      // Only a test that failed leaves any running; without their folder nobody would end them.
      for (const name of await readdir(path, { recursive: true })) {
        if (name.endsWith('running.json')) await endServer(dirname(join(path, name)));
      }
      // A watcher may still be taking its lock in there.
      await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}
