/**
 * Puts layers and a configuration into an OCI archive, without a container engine.
 *
 * Nothing in it is dated or named after the host, so the same content is the same digest. Layers are
 * not compressed: their digests then depend on no compressor, and what unpacks them is faster; a
 * registry client compresses when it pushes. `manifest.json` is there for `docker load`, which reads
 * that form too; containerd goes by `index.json` and its annotation.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { tar, withFolders, type TarEntry } from './tar.ts';

export interface ImageConfig {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

export interface OciImage {
  /** For example `docker.io/millrace/operator:0.1.0`. */
  readonly reference: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly config: ImageConfig;
  /** Each layer lies over those before it. */
  readonly layers: readonly ReadonlyMap<string, TarEntry>[];
}

export interface Written {
  /** Of the manifest; what `name@sha256:…` means. */
  readonly digest: string;
  readonly bytes: number;
}

interface Blob {
  readonly hex: string;
  readonly bytes: number;
  readonly pieces: readonly Buffer[];
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';

function blob(pieces: readonly Buffer[]): Blob {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const piece of pieces) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { hex: hash.digest('hex'), bytes, pieces };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function descriptor(mediaType: string, { hex, bytes }: Blob): Readonly<Record<string, unknown>> {
  return { mediaType, digest: `sha256:${hex}`, size: bytes };
}

function blobPath({ hex }: Blob): string {
  return `blobs/sha256/${hex}`;
}

function configuration(image: OciImage, layers: readonly Blob[]): Blob {
  const value = {
    architecture: image.architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ hex }) => `sha256:${hex}`) },
  };
  return blob([json(value)]);
}

function index({ reference, architecture }: OciImage, manifest: Blob): Buffer {
  const annotations = {
    'io.containerd.image.name': reference,
    'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
  };
  const platform = { architecture, os: 'linux' };
  const entry = { ...descriptor(manifestType, manifest), platform, annotations };
  return json({ schemaVersion: 2, mediaType: indexType, manifests: [entry] });
}

/** The name as `docker images` shows it. */
function shortName(reference: string): string {
  return reference.replace(/^docker\.io\//, '');
}

function file(content: Buffer): TarEntry {
  return { type: 'file', content, mode: 0o644 };
}

/** Written under another name first: whoever sees the file sees all of it. */
async function write(path: string, pieces: readonly Buffer[]): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${String(process.pid)}`;
  let bytes = 0;
  try {
    const out = await open(draft, 'w');
    try {
      for (const piece of pieces) {
        await out.writeFile(piece);
        bytes += piece.length;
      }
    } finally {
      await out.close();
    }
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return bytes;
}

export async function writeArchive(path: string, image: OciImage): Promise<Written> {
  const layers = image.layers.map((entries) => blob(tar(withFolders(entries))));
  const config = configuration(image, layers);
  const manifest = blob([
    json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(configType, config),
      layers: layers.map((layer) => descriptor(layerType, layer)),
    }),
  ]);
  const docker = [
    {
      Config: blobPath(config),
      RepoTags: [shortName(image.reference)],
      Layers: layers.map(blobPath),
    },
  ];
  const entries = new Map<string, TarEntry>([
    ['oci-layout', file(json({ imageLayoutVersion: '1.0.0' }))],
    ['index.json', file(index(image, manifest))],
    ['manifest.json', file(json(docker))],
  ]);
  for (const each of [config, manifest, ...layers]) {
    entries.set(blobPath(each), file(Buffer.concat(each.pieces)));
  }
  return { digest: `sha256:${manifest.hex}`, bytes: await write(path, tar(withFolders(entries))) };
}
