/**
 * A pod's volumes as folders of this host: what the kubelet mounts, we write.
 *
 * ConfigMaps and Secrets become files of mode 0600 in a folder of the pod, each replaced atomically
 * when the object changes, so that a process that re-reads a rotated Secret never sees half of it.
 * A claim is a folder that the user mapped. What is not there yet is a reason to wait, not a failure.
 */
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeApi, KubeObject } from '@millrace/operator/machinery/kube-api';
import {
  claimType,
  configMapType,
  secretType,
  type Pod,
  type Volume,
} from '../controllers/workload.ts';
import type { PathMap } from './local-container.ts';

export interface MountOptions {
  readonly api: Pick<KubeApi, 'get'>;
  /** The pod's own folder. */
  readonly root: string;
  /** Folders of this host by claim name. */
  readonly claims: ReadonlyMap<string, string>;
}

export type Mounts =
  | { readonly ok: true; readonly paths: PathMap }
  | { readonly ok: false; readonly reason: string; readonly message: string };

export async function mountVolumes(pod: Pod, options: MountOptions): Promise<Mounts> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const folder = await folderOf(volume, pod, options);
    if (typeof folder !== 'string') return { ok: false, reason: 'FailedMount', ...folder };
    folders.set(volume.name, folder);
  }
  const mounts = pod.spec.containers.flatMap((container) => container.volumeMounts ?? []);
  const paths = new Map<string, string>();
  for (const { name, mountPath } of mounts) {
    const folder = folders.get(name);
    if (folder === undefined) {
      const message = `No volume of the pod is named ${name}.`;
      return { ok: false, reason: 'CreateContainerConfigError', message };
    }
    paths.set(mountPath.replace(/\/$/, ''), folder);
  }
  return { ok: true, paths };
}

async function folderOf(
  volume: Volume,
  pod: Pod,
  options: MountOptions,
): Promise<string | { readonly message: string }> {
  const folder = join(options.root, 'volumes', volume.name);
  const claimName = volume.persistentVolumeClaim?.claimName;
  if (claimName !== undefined) return claimFolder(claimName, pod, options);
  const { namespace } = pod.metadata;
  const source =
    volume.configMap === undefined
      ? { type: secretType, name: volume.secret?.secretName }
      : { type: configMapType, name: volume.configMap.name };
  if (source.name === undefined) {
    await mkdir(folder, { recursive: true });
    return folder;
  }
  const object = await options.api.get(source.type, { namespace, name: source.name });
  if (object === undefined)
    return { message: `${source.type.kind} ${source.name} does not exist yet.` };
  await writeFiles(folder, filesOf(object));
  return folder;
}

async function claimFolder(
  claimName: string,
  pod: Pod,
  options: MountOptions,
): Promise<string | { readonly message: string }> {
  const local = options.claims.get(claimName);
  const { namespace } = pod.metadata;
  const claim = await options.api.get(claimType, { namespace, name: claimName });
  return local !== undefined && claim !== undefined
    ? local
    : {
        message: `No folder stands for the claim ${claimName}: start play with --volume ${claimName}=FOLDER.`,
      };
}

/** The files of a ConfigMap or Secret by name. */
export function filesOf(object: KubeObject): ReadonlyMap<string, Buffer> {
  const encoding = object.kind === 'Secret' ? 'base64' : 'utf8';
  const data = object['data'] ?? {};
  return new Map(
    Object.entries(data).map(([name, text]) => [name, Buffer.from(String(text), encoding)]),
  );
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of files) {
    const path = join(folder, name);
    const before = await readFile(path).catch(() => undefined);
    if (before?.equals(content) === true) continue;
    const draft = join(folder, `.${name}.new`);
    await writeFile(draft, content, { mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, path);
  }
  for (const name of await readdir(folder)) {
    if (!files.has(name) && !name.endsWith('.new')) await rm(join(folder, name), { force: true });
  }
}
