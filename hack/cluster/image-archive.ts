/**
 * Writes an OCI archive of one program: one layer, no shell, no registry. For the sandbox image of a
 * node and for small images of tests; what is shipped is built elsewhere.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

export interface ImageFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

export interface ImageContents {
  /** With registry and tag, as Kubernetes spells it out: `localhost/pause:1`. */
  readonly reference: string;
  readonly files: readonly ImageFile[];
  readonly command: readonly string[];
}

const blockSize = 512;
const fileType = '0';
const directoryType = '5';

/** One header of the ustar format and the content, filled up to whole blocks. */
function entry({ path, content, mode }: ImageFile, type: string): readonly Uint8Array[] {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, width: number): void => {
    header.write(value.toString(8).padStart(width - 1, '0'), at);
  };
  if (path.length > 100) throw new Error(`${path} is longer than a header of a tar file holds`);
  header.write(path, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  // The sum counts its own field as spaces.
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  const filling = Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
  return [header, content, filling];
}

function tar(files: readonly ImageFile[]): Buffer {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++)
      folders.add(parts.slice(0, depth).join('/'));
  }
  const folder = (path: string): ImageFile => ({
    path: `${path}/`,
    content: Buffer.alloc(0),
    mode: 0o755,
  });
  return Buffer.concat([
    ...[...folders].flatMap((path) => entry(folder(path), directoryType)),
    ...files.flatMap((file) => entry(file, fileType)),
    Buffer.alloc(2 * blockSize),
  ]);
}

const hex = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export function imageArchive({ reference, files, command }: ImageContents): Buffer {
  const blobs: ImageFile[] = [];
  const blob = (mediaType: string, content: Uint8Array) => {
    blobs.push({ path: `blobs/sha256/${hex(content)}`, content, mode: 0o644 });
    return { mediaType, digest: `sha256:${hex(content)}`, size: content.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const layer = blob('application/vnd.oci.image.layer.v1.tar', tar(files));
  const config = blob(
    'application/vnd.oci.image.config.v1+json',
    json({
      architecture: architectures[process.arch],
      os: 'linux',
      config: { Entrypoint: command, Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = blob(mediaType, json({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const annotations = {
    'io.containerd.image.name': reference,
    'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
  };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  const text = (path: string, value: unknown): ImageFile => ({
    path,
    content: json(value),
    mode: 0o644,
  });
  return tar([
    text('oci-layout', { imageLayoutVersion: '1.0.0' }),
    text('index.json', index),
    ...blobs,
  ]);
}

export async function writeImageArchive(path: string, image: ImageContents): Promise<void> {
  await writeFile(path, imageArchive(image));
}
