/** An image of one static program and nothing else: the sandbox image of a node, and those of tests. */
import { readFile } from 'node:fs/promises';

import { writeArchive } from '../images/oci.ts';

export interface ProgramImage {
  /** With registry and tag, as Kubernetes spells it out: `localhost/pause:1`. */
  readonly reference: string;
  /** The program on this host, and its path in the image without a leading slash. */
  readonly file: string;
  readonly path: string;
}

export async function writeProgramImage(archive: string, image: ProgramImage): Promise<void> {
  const { reference, file, path } = image;
  const content = await readFile(file);
  await writeArchive(archive, {
    reference,
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    config: {
      User: '',
      WorkingDir: '/',
      Entrypoint: [`/${path}`],
      Env: ['PATH=/bin'],
      Labels: {},
    },
    layers: [new Map([[path, { type: 'file', content, mode: 0o755 }]])],
  });
}
