import { describe, expect, it } from 'vitest';

import { loopback, networkOf, nodeNetwork, type Network } from './network.ts';
import { clusterFiles } from './pki.ts';
import { apiServer, controllerManager, serverUrl, type ProgramSettings } from './programs.ts';

const ports = { api: 6443, etcd: 2379, 'etcd-peer': 2380 };

function settings(network: Network, more: Partial<ProgramSettings> = {}): ProgramSettings {
  const programs = { 'kube-apiserver': '/bin/kube', 'kube-controller-manager': '/bin/kube' };
  const installation = { origin: 'cache', version: '', place: '', programs, env: {} } as const;
  return { installation, files: clusterFiles('/c'), ports, network, ...more };
}

function flags({ args }: { readonly args: readonly string[] }): Readonly<Record<string, string>> {
  return Object.fromEntries(
    args.map((arg) => {
      const [, name = '', value = ''] = /^--([^=]+)=(.*)$/.exec(arg) ?? [];
      return [name, value];
    }),
  );
}

describe('the network of a cluster', () => {
  it('is found again by the name of the control group, and differs for each number', () => {
    const network = nodeNetwork(17);

    expect(networkOf(network.node.controlGroup)).toEqual(network);
    expect(networkOf(undefined)).toBe(loopback);
    const texts = Object.values({ ...network, ...network.node }).filter(
      (it) => typeof it === 'string',
    );
    const others = Object.values({ ...nodeNetwork(1), ...nodeNetwork(1).node });
    expect(texts.length).toBeGreaterThan(6);
    expect(texts.filter((text) => others.includes(text))).toEqual([]);
  });

  it('is where the server listens, in the range that its Services are of', () => {
    const network = nodeNetwork(3);
    const given = flags(apiServer(settings(network)));

    expect(serverUrl(network, ports)).toBe('https://10.231.3.2:6443');
    expect(given).toMatchObject({
      'bind-address': '10.231.3.2',
      'advertise-address': '10.231.3.2',
      'service-cluster-ip-range': '10.96.3.0/24',
    });
    expect(given).toHaveProperty('kubelet-client-certificate');
    expect(given).not.toHaveProperty('endpoint-reconciler-type');
  });
});

describe('autoscalers', () => {
  const period = 'horizontal-pod-autoscaler-sync-period';

  it('look as often as in a cluster anywhere where there is a node, unless told', () => {
    const network = nodeNetwork(0);

    expect(flags(controllerManager(settings(network)))).not.toHaveProperty(period);
    const told = settings(network, { autoscalerPeriodSeconds: 2 });
    expect(flags(controllerManager(told))).toMatchObject({ [period]: '2s' });
  });

  it('look every second where there is none', () => {
    expect(flags(controllerManager(settings(loopback)))).toMatchObject({ [period]: '1s' });
  });
});
