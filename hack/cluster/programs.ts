/**
 * The command line of each program of the control plane: loopback only, no root, and every file
 * inside the cluster's folder. Pure; nothing is started here.
 */
import { join } from 'node:path';

import type { Command, Installation, Settings } from '../backends/backend.ts';
import { serviceRange, type ClusterFiles } from './pki.ts';

export const portNames = ['api', 'etcd', 'etcd-peer'] as const;

export interface ProgramSettings {
  readonly installation: Installation;
  readonly files: ClusterFiles;
  readonly ports: Settings['ports'];
}

export function serverUrl(ports: Settings['ports']): string {
  return `https://127.0.0.1:${String(ports['api'])}`;
}

/** Programs write below HOME and the temporary folder when nobody tells them otherwise. */
function command(
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

export function apiServer(settings: ProgramSettings): Command {
  const { files, ports } = settings;
  const pki = (name: string): string => join(files.pki, name);
  return command(settings, 'kube-apiserver', {
    'etcd-servers': `http://127.0.0.1:${String(ports['etcd'])}`,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
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
    'service-cluster-ip-range': serviceRange,
    'allow-privileged': true,
    // There is no network in which the Service `kubernetes` could have endpoints on loopback.
    'endpoint-reconciler-type': 'none',
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

export function controllerManager(settings: ProgramSettings): Command {
  const { files } = settings;
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
    'horizontal-pod-autoscaler-sync-period': '1s',
    'horizontal-pod-autoscaler-downscale-stabilization': '3s',
    'horizontal-pod-autoscaler-initial-readiness-delay': '1s',
  });
}

export function scheduler(settings: ProgramSettings): Command {
  return command(settings, 'kube-scheduler', {
    ...controllerFlags(join(settings.files.pki, 'scheduler.kubeconfig')),
  });
}
