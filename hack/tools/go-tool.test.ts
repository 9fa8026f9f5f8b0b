import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { cachedGoTool, goTool } from './go-tool.ts';

/** A `go` that writes down how it was called and "installs" a program with that version. */
async function host(version: string) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-go-tool-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const calls = join(folder, 'calls');
  const script = [
    '#!/bin/sh',
    `echo "$GOFLAGS|$GOWORK|$GOOS|$CGO_ENABLED|$*" >> '${calls}'`,
    '/bin/mkdir -p "$GOBIN"',
    `printf '#!/bin/sh\\necho ${version}\\n' > "$GOBIN/helm"`,
    '/bin/chmod 755 "$GOBIN/helm"',
  ];
  await writeFile(join(bin, 'go'), `${script.join('\n')}\n`);
  await chmod(join(bin, 'go'), 0o755);
  const env = {
    PATH: bin,
    XDG_CACHE_HOME: folder,
    GOFLAGS: '-race',
    GOWORK: 'mine',
    GOOS: 'plan9',
  };
  return {
    env,
    calls: async () => (await readFile(calls, 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

const log = (): void => undefined;

describe('a program from Go modules', () => {
  it('is built once, at its pinned version, whatever Go flags the user has', async () => {
    await using place = await host('v3.22.0');
    const { env } = place;
    expect(await cachedGoTool('helm', env)).toBeUndefined();

    const [first, second] = await Promise.all([
      goTool({ name: 'helm', env, log }),
      goTool({ name: 'helm', env, log }),
    ]);

    expect(second).toBe(first);
    expect(await cachedGoTool('helm', env)).toBe(first);
    const calls = await place.calls();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^\|off\|\|0\|install .* helm\.sh\/helm\/v3\/cmd\/helm@v3\.22\.0$/);
  });

  it('is not kept when it calls itself another version', async () => {
    await using place = await host('v0.0.0');
    const { env } = place;

    await expect(goTool({ name: 'helm', env, log })).rejects.toThrow(
      'helm calls itself v0.0.0, not v3.22.0',
    );

    expect(await cachedGoTool('helm', env)).toBeUndefined();
  });

  it('is refused in words on a host that has neither it nor Go', async () => {
    await using place = await host('v3.22.0');
    const env = { ...place.env, PATH: '' };

    await expect(goTool({ name: 'helm', env, log })).rejects.toThrow(
      'the cache has no helm, and there is no `go` on the PATH to build it',
    );
  });
});
