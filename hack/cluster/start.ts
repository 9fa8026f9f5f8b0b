/**
 * One start of a cluster, from empty folders to the answer that it is ready, in the order in which its
 * programs need each other. Every process is recorded before the next one starts, so that a start
 * that is killed anywhere can be cleaned up. Ending what a failed start began is the caller's.
 */
import { join } from 'node:path';

import type { Command } from '../backends/backend.ts';
import { writeRecord, type RunningProcess, type RunningRecord } from '../backends/server-folder.ts';
import { launch } from '../backends/server.ts';
import type { Tier } from './assets.ts';
import { applyManifests, installManifests, type InstallOptions } from './manifests.ts';
import { fakeNodes, kwok, writeFakeNodes } from './kwok.ts';
import { furnish, holder, inside, insidePid, type Inside } from './namespaces.ts';
import { networkOf, nodeName, type Network } from './network.ts';
import { importImage, lacksSocket } from './node-images.ts';
import type { NodePrograms } from './node-programs.ts';
import {
  containerd,
  coredns,
  kubelet,
  kubeProxy,
  nodeFolder,
  pauseImage,
  readyUrls,
  writeNodeSettings,
  type NodeSettings,
} from './node-settings.ts';
import { writeProgramImage } from './program-image.ts';
import { writeIdentities } from './pki.ts';
import {
  apiServer,
  controllerManager,
  etcd,
  scheduler,
  serverUrl,
  type ProgramSettings,
} from './programs.ts';
import {
  logFile,
  waitForAnswer,
  waitForPrograms,
  waitUntil,
  whyEnded,
  type Answering,
  type Awaited,
} from './readiness.ts';

export interface StartOptions {
  readonly tier: Tier;
  readonly manifests?: readonly string[];
  readonly signal?: AbortSignal;
}

export function recordedNetwork(record: RunningRecord): Network {
  return networkOf(record.remnants?.controlGroup);
}

/** Made by the controller manager once its controllers run; pods are refused before. */
const firstAccount = '/api/v1/namespaces/default/serviceaccounts/default';

interface NodeObject {
  readonly spec?: { readonly taints?: readonly unknown[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A node that was not ready is closed to pods for a moment after it is. */
function isOpen(body: string): boolean {
  const { spec, status } = JSON.parse(body) as NodeObject;
  const isReady = status?.conditions?.some((it) => it.type === 'Ready' && it.status === 'True');
  return isReady === true && (spec?.taints ?? []).length === 0;
}

export class Start {
  readonly #options: StartOptions;
  readonly #settings: ProgramSettings;
  readonly #node: NodeSettings | undefined;
  readonly #processes: RunningProcess[] = [];
  #inside: Inside | undefined;

  constructor(
    options: StartOptions,
    settings: ProgramSettings,
    nodePrograms: NodePrograms | undefined,
  ) {
    this.#options = options;
    this.#settings = settings;
    const { node } = settings.network;
    if (node !== undefined && nodePrograms !== undefined) {
      const network = { ...settings.network, node };
      this.#node = { ...settings, network, programs: nodePrograms };
    }
  }

  async run(): Promise<RunningRecord> {
    const { files, network } = this.#settings;
    await writeIdentities(files, network, this.#server);
    if (this.#node !== undefined) await this.#makeNamespaces(this.#node);
    await this.#launch(etcd(this.#settings));
    await this.#launch(apiServer(this.#settings));
    if (this.#node !== undefined) await this.#prepareContainers(this.#node);
    await this.#waitFor('/readyz');
    if (this.#node !== undefined) await this.#startNode(this.#node);
    await installManifests(this.#manifests(this.#options.manifests ?? []));
    if (this.#options.tier !== 'a') {
      await this.#launch(controllerManager(this.#settings));
      await this.#launch(scheduler(this.#settings));
    }
    if (this.#options.tier !== 'a') await this.#waitFor(firstAccount);
    if (this.#options.tier === 'c') await this.#startFakeNodes();
    if (this.#node !== undefined) await this.#waitForNode(this.#node);
    return this.#record;
  }

  get #server(): string {
    return serverUrl(this.#settings.network, this.#settings.ports);
  }

  get #record(): RunningRecord {
    const { installation, network } = this.#settings;
    const { node } = network;
    return {
      installation,
      processes: this.#processes,
      ...(node === undefined
        ? {}
        : { remnants: { controlGroup: node.controlGroup, link: node.link } }),
    };
  }

  async #makeNamespaces(settings: NodeSettings): Promise<void> {
    const { files, network, programs } = settings;
    await writeNodeSettings(settings);
    await this.#launchOutside(await holder(network.node, programs.pause, files.root));
    const [started] = this.#processes;
    if (started === undefined) throw new Error('the node was not started');
    const pid = await insidePid(started).catch(async (cause: unknown) => {
      throw new Error(await whyEnded(files.root, started.role), { cause });
    });
    await furnish({ pid, network }, { packages: programs.packages, folder: nodeFolder(settings) });
    this.#inside = { pid, network };
  }

  async #prepareContainers(settings: NodeSettings): Promise<void> {
    await this.#launch(containerd(settings));
    const file = join(nodeFolder(settings), 'pause.tar');
    await writeProgramImage(file, {
      reference: pauseImage,
      file: settings.programs.pause,
      path: 'pause',
    });
    const { pid } = this.#entered;
    const { signal } = this.#options;
    await waitUntil(this.#answering, signal, async () => lacksSocket(pid));
    await importImage(pid, file, signal);
  }

  async #startNode(settings: NodeSettings): Promise<void> {
    await this.#launch(kubeProxy(settings));
    await this.#launch(coredns(settings));
    await this.#launch(kubelet(settings));
  }

  async #startFakeNodes(): Promise<void> {
    await this.#launch(kwok(this.#settings));
    const { root } = this.#settings.files;
    await applyManifests(this.#manifests([await writeFakeNodes(root)]));
    for (const name of fakeNodes) {
      await this.#waitFor(`/api/v1/nodes/${name}`, { accepts: isOpen });
    }
  }

  async #waitForNode(settings: NodeSettings): Promise<void> {
    await this.#waitFor(`/api/v1/nodes/${nodeName}`, { accepts: isOpen });
    await waitForPrograms(this.#answering, readyUrls(settings.network), this.#options.signal);
  }

  get #entered(): Inside {
    if (this.#inside === undefined) throw new Error('the node has no namespaces yet');
    return this.#inside;
  }

  #manifests(manifests: readonly string[]): InstallOptions {
    const { files, installation } = this.#settings;
    const kubectl = installation.programs['kubectl'] ?? '';
    return { kubectl, kubeconfig: files.kubeconfig, manifests };
  }

  /** On a node every program is inside; without one there is no inside. */
  async #launch(command: Command): Promise<void> {
    await this.#launchOutside(
      this.#node === undefined ? command : await inside(command, this.#entered),
    );
  }

  async #launchOutside(command: Command): Promise<void> {
    const { root } = this.#settings.files;
    try {
      this.#processes.push(await launch(command, logFile(root, command.role)));
    } catch (cause) {
      throw new Error(await whyEnded(root, command.role), { cause });
    }
    await writeRecord(root, this.#record);
  }

  get #answering(): Answering {
    return { files: this.#settings.files, server: this.#server, processes: this.#processes };
  }

  async #waitFor(path: string, awaited: Awaited = {}): Promise<void> {
    await waitForAnswer(this.#answering, path, { signal: this.#options.signal, ...awaited });
  }
}
