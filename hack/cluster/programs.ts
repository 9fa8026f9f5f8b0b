/**
 * The command line of each program of the control plane: one address, no root, and every file inside
 * the cluster's folder. Pure; nothing is started here.
 */
import { join } from 'node:path';

import type { Command, Installation, Settings } from '../backends/backend.ts';
import type { Network, NodeNetwork } from './network.ts';
import type { ClusterFiles } from './pki.ts';

export const portNames = ['api', 'etcd', 'etcd-peer'] as const;

export interface ProgramSettings {
  readonly installation: Installation;
  readonly files: ClusterFiles;
  readonly ports: Settings['ports'];
  readonly network: Network;
  /** How often autoscalers look; Kubernetes itself does every 15 seconds. */
  readonly autoscalerPeriodSeconds?: number;
}

export function serverUrl({ address }: Network, ports: Settings['ports']): string {
  return `https://${address}:${String(ports['api'])}`;
}

/** Programs write below HOME and the temporary folder when nobody tells them otherwise. */
export function command(
  { installation, files }: ProgramSettings,
  role: string,
  flags: Readonly<Record<string, string | number | boolean>>,
): Command {
  const file = installation.programs[role];
  if (file === undefined) throw new Error(`${installation.place} has no ${role}`);
  return {
    role,
    file,
    args: Object.entries(flags).map(([name, value]) => `--${name}=${String(value)}`),
    env: { HOME: files.root, TMPDIR: files.root, ...installation.env },
    cwd: files.root,
    // Nothing in a cluster outlives it, so there is nothing to save before the end.
    stopSignals: [],
  };
}

export function etcd(settings: ProgramSettings): Command {
  const client = `http://127.0.0.1:${String(settings.ports['etcd'])}`;
  const peer = `http://127.0.0.1:${String(settings.ports['etcd-peer'])}`;
  return command(settings, 'etcd', {
    'data-dir': join(settings.files.root, 'etcd'),
    // The data is thrown away with the cluster, and a power cut before that loses nothing of worth.
    'unsafe-no-fsync': true,
    'log-level': 'warn',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
  });
}

const withoutNode = {
  // There is no network in which the Service `kubernetes` could have endpoints on loopback.
  'endpoint-reconciler-type': 'none',
};

/** How the API server reaches the kubelet, for logs and for commands in containers. */
function towardsNode(pki: (name: string) => string): Readonly<Record<string, string>> {
  return {
    'kubelet-client-certificate': pki('apiserver-kubelet.crt'),
    'kubelet-client-key': pki('apiserver-kubelet.key'),
    'kubelet-certificate-authority': pki('ca.crt'),
    'kubelet-preferred-address-types': 'InternalIP',
  };
}

export function apiServer(settings: ProgramSettings): Command {
  const { files, network, ports } = settings;
  const pki = (name: string): string => join(files.pki, name);
  return command(settings, 'kube-apiserver', {
    'etcd-servers': `http://127.0.0.1:${String(ports['etcd'])}`,
    'bind-address': network.address,
    'advertise-address': network.address,
    'secure-port': String(ports['api']),
    'cert-dir': files.pki,
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
    'client-ca-file': files.caFile,
    'token-auth-file': pki('tokens.csv'),
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-signing-key-file': pki('service-account.key'),
    'service-account-key-file': pki('service-account.pub'),
    'service-cluster-ip-range': network.serviceRange,
    'allow-privileged': true,
    ...(network.node === undefined ? withoutNode : towardsNode(pki)),
    'proxy-client-cert-file': pki('front-proxy-client.crt'),
    'proxy-client-key-file': pki('front-proxy-client.key'),
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
  });
}

/** One of each runs, so there is nothing to elect; nobody asks them, so they serve nothing. */
function controllerFlags(kubeconfig: string): Readonly<Record<string, string | boolean>> {
  return {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': '0',
    'leader-elect': false,
  };
}

/** Without a node nothing but tests looks at autoscalers, and they should not wait for them. */
const quickAutoscaler = {
  'horizontal-pod-autoscaler-sync-period': '1s',
  'horizontal-pod-autoscaler-downscale-stabilization': '3s',
  'horizontal-pod-autoscaler-initial-readiness-delay': '1s',
};

function nodeControllerFlags(
  { podRange }: NodeNetwork,
  { network, autoscalerPeriodSeconds }: ProgramSettings,
): Readonly<Record<string, string | boolean>> {
  const period = 'horizontal-pod-autoscaler-sync-period';
  return {
    'allocate-node-cidrs': true,
    'cluster-cidr': podRange,
    // The one node has all of it.
    'node-cidr-mask-size': podRange.slice(podRange.indexOf('/') + 1),
    'service-cluster-ip-range': network.serviceRange,
    ...(autoscalerPeriodSeconds === undefined
      ? {}
      : { [period]: `${String(autoscalerPeriodSeconds)}s` }),
  };
}

export function controllerManager(settings: ProgramSettings): Command {
  const { files, network } = settings;
  const pki = (name: string): string => join(files.pki, name);
  return command(settings, 'kube-controller-manager', {
    ...controllerFlags(pki('controller-manager.kubeconfig')),
    // With the defaults of 20 a second its own start would take five seconds.
    'kube-api-qps': 500,
    'kube-api-burst': 1000,
    'use-service-account-credentials': true,
    'flex-volume-plugin-dir': join(files.root, 'volume-plugins'),
    'service-account-private-key-file': pki('service-account.key'),
    'root-ca-file': files.caFile,
    'cluster-signing-cert-file': files.caFile,
    'cluster-signing-key-file': pki('ca.key'),
    ...(network.node === undefined ? quickAutoscaler : nodeControllerFlags(network.node, settings)),
  });
}

export function scheduler(settings: ProgramSettings): Command {
  return command(settings, 'kube-scheduler', {
    ...controllerFlags(join(settings.files.pki, 'scheduler.kubeconfig')),
  });
}
