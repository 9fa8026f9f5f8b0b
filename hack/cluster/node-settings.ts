/**
 * The files and command lines of a node's programs. Pure but for writing the files; nothing is started
 * here. Paths below /run, /var/lib and /var/log are the node's own, all others are the host's too.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from '../backends/backend.ts';
import { nodeName, type Network, type NodeNetwork } from './network.ts';
import type { NodePrograms } from './node-programs.ts';
import type { ProgramSettings } from './programs.ts';

export interface NodeSettings extends ProgramSettings {
  readonly network: Network & { readonly node: NodeNetwork };
  readonly programs: NodePrograms;
}

export const pauseImage = 'localhost/pause:1';
export const containerdSocket = '/run/containerd/containerd.sock';

/** Ports in the node's own network, where nobody else can have them. */
const dnsReadyPort = 8181;
const proxyHealthPort = 10256;

/** Answer 200 when names resolve, and when Services have their rules. */
export function readyUrls({ address }: Network): Readonly<Record<string, string>> {
  return {
    coredns: `http://${address}:${String(dnsReadyPort)}/ready`,
    'kube-proxy': `http://${address}:${String(proxyHealthPort)}/healthz`,
  };
}

export function nodeFolder({ files }: Pick<ProgramSettings, 'files'>): string {
  return join(files.root, 'node');
}

function kubeletConfig(settings: NodeSettings): unknown {
  const { files, network } = settings;
  const folder = nodeFolder(settings);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: network.address,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${network.node.controlGroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    // A container that asks for less than the host allows anybody would be refused in a sandbox.
    oomScoreAdj: 0,
    maxOpenFiles: 20_000,
    clusterDNS: [network.address],
    clusterDomain: 'cluster.local',
    resolvConf: join(folder, 'resolv.conf'),
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    podLogsDir: '/var/log/pods',
    volumePluginDir: join(files.root, 'volume-plugins'),
    // Images are loaded by hand, and nobody could pull one again.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    serializeImagePulls: false,
    tlsCertFile: join(files.pki, 'kubelet.crt'),
    tlsPrivateKeyFile: join(files.pki, 'kubelet.key'),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: files.caFile },
    },
    authorization: { mode: 'Webhook' },
  };
}

function proxyConfig({ files, network }: NodeSettings): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    bindAddress: network.address,
    healthzBindAddress: `${network.address}:${String(proxyHealthPort)}`,
    hostnameOverride: nodeName,
    clusterCIDR: network.node.podRange,
    clientConnection: { kubeconfig: join(files.pki, 'kube-proxy.kubeconfig') },
    oomScoreAdj: 0,
    // Limits of connection tracking are the whole host's.
    conntrack: {
      maxPerCore: 0,
      min: 0,
      tcpEstablishedTimeout: '0s',
      tcpCloseWaitTimeout: '0s',
    },
  };
}

function containerdConfig(cniFolder: string): string {
  const disabled = ['btrfs', 'zfs', 'aufs', 'devmapper'].map(
    (name) => `io.containerd.snapshotter.v1.${name}`,
  );
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ${JSON.stringify([...disabled, 'io.containerd.internal.v1.opt'])}

[grpc]
address = "${containerdSocket}"

[${cri}]
sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
disable_apparmor = true

[${cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = ${JSON.stringify(cniFolder)}

[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

function cniConfig({ network }: NodeSettings): unknown {
  return {
    cniVersion: '0.4.0',
    name: 'millrace',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        // This alone makes the default route; one in `routes` would be a second.
        isDefaultGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: network.node.podRange }]] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function corefile({ files, network }: NodeSettings): string {
  return `.:53 {
    bind ${network.address}
    errors
    ready ${network.address}:${String(dnsReadyPort)}
    kubernetes cluster.local in-addr.arpa {
        kubeconfig "${join(files.pki, 'coredns.kubeconfig')}" millrace
        pods insecure
    }
    cache 5
}
`;
}

export async function writeNodeSettings(settings: NodeSettings): Promise<void> {
  const folder = nodeFolder(settings);
  const cni = join(folder, 'cni');
  await mkdir(cni, { recursive: true, mode: 0o700 });
  const json = (value: unknown): string => JSON.stringify(value, undefined, 2);
  const texts = {
    'kubelet.json': json(kubeletConfig(settings)),
    'kube-proxy.json': json(proxyConfig(settings)),
    'containerd.toml': containerdConfig(cni),
    'cni/millrace.conflist': json(cniConfig(settings)),
    Corefile: corefile(settings),
    'resolv.conf': `nameserver ${settings.network.address}\n`,
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
}

function command(settings: NodeSettings, role: string, program: readonly string[]): Command {
  const [file = '', ...args] = program;
  const { root } = settings.files;
  const env = { HOME: nodeFolder(settings), TMPDIR: nodeFolder(settings) };
  return { role, file, args, env, cwd: root, stopSignals: [] };
}

export function containerd(settings: NodeSettings): Command {
  const config = join(nodeFolder(settings), 'containerd.toml');
  return command(settings, 'containerd', ['/usr/bin/containerd', '--config', config]);
}

export function coredns(settings: NodeSettings): Command {
  const config = join(nodeFolder(settings), 'Corefile');
  return command(settings, 'coredns', [settings.programs.coredns, '-conf', config]);
}

export function kubelet(settings: NodeSettings): Command {
  const { files, installation, network } = settings;
  return command(settings, 'kubelet', [
    installation.programs['kubelet'] ?? 'kubelet',
    `--config=${join(nodeFolder(settings), 'kubelet.json')}`,
    `--kubeconfig=${join(files.pki, 'kubelet.kubeconfig')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${network.address}`,
    '--root-dir=/var/lib/kubelet',
  ]);
}

export function kubeProxy(settings: NodeSettings): Command {
  const { installation } = settings;
  return command(settings, 'kube-proxy', [
    installation.programs['kube-proxy'] ?? 'kube-proxy',
    `--config=${join(nodeFolder(settings), 'kube-proxy.json')}`,
  ]);
}
