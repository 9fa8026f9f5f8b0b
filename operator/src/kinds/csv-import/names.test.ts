import fc from 'fast-check';
import { podConfig, type CsvImportSpec } from '@millrace/crds/csv-import';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { usersSpec } from '../../../test/import-cluster.ts';
import { careFor, owner } from '../../../test/observed.ts';
import { configFile, podConfigOf } from './children/config-map.ts';
import { coordinatorJob } from './children/coordinator-job.ts';
import { gatewayDeployment } from './children/gateway-deployment.ts';
import { workerDeployment } from './children/worker-deployment.ts';
import { names, type Role } from './names.ts';
import { baseName, roleName } from '../../machinery/workload/names.ts';
import { podEssentials } from '../../machinery/workload/pods.ts';
import { secretKeyNames } from '../../machinery/workload/secrets.ts';

describe('names', () => {
  it('are the resource’s own wherever Kubernetes allows it', () => {
    expect(roleName('users', 'worker')).toBe('users-worker');
  });

  it('fit a Service and a label for any name of a resource, and never meet', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        for (const text of [
          roleName(a, 'coordinator'),
          names.labels({ ...owner, name: a }, 'worker')['app.kubernetes.io/instance'] ?? '',
        ]) {
          expect(text).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
        }
        expect(baseName(a) === baseName(b)).toBe(a === b);
      }),
    );
  });
});

function childOptions(role: Role) {
  const { templates, digest } = careFor(usersSpec).rendering;
  return { template: templates[role], rendering: digest, isScaled: false, suspend: false };
}

describe('children', () => {
  it('hold a configuration that the pods accept', () => {
    const check = Compile(podConfig);
    const specs = [
      usersSpec,
      { source: usersSpec.source, target: { table: 'users' } },
      {
        ...usersSpec,
        chunkBytes: '1Mi',
        cache: { mode: 'Invalidate' as const, ttl: '90s' },
        rejects: { maxRows: 3 },
        format: { header: 'Present' as const },
      },
      { ...usersSpec, cache: { mode: 'Warm' as const, maxBytes: '1Gi' } },
    ];

    for (const spec of specs) {
      expect([...check.Errors(podConfigOf(owner, spec))]).toEqual([]);
    }
  });

  it('keep warm rows for a day and within a bound unless told, and bound nothing else', () => {
    const cacheOf = (cache: CsvImportSpec['cache']) =>
      podConfigOf(owner, { ...usersSpec, ...(cache === undefined ? {} : { cache }) }).cache;

    expect(cacheOf({ mode: 'Warm' })).toEqual({
      mode: 'Warm',
      ttlMs: 86_400_000,
      maxBytes: 67_108_864,
    });
    expect(cacheOf({ mode: 'Warm', ttl: '90s', maxBytes: '1Gi' })).toEqual({
      mode: 'Warm',
      ttlMs: 90_000,
      maxBytes: 1_073_741_824,
    });
    expect(cacheOf({ mode: 'Invalidate' })).toEqual({ mode: 'Invalidate', ttlMs: 120_000 });
  });

  it('bound requests where that is asked for, and are told nothing of it elsewhere', () => {
    const rateOf = (rateLimit: object) => {
      const serve = { ...usersSpec.serve, ...rateLimit };
      const config = podConfigOf(owner, { ...usersSpec, serve });
      expect([...Compile(podConfig).Errors(config)]).toEqual([]);
      return config.serve;
    };

    expect(rateOf({ rateLimit: { requests: 600, per: '1m' } })).toMatchObject({
      rateLimit: { requests: 600, perMs: 60_000, by: 'Client' },
    });
    expect(rateOf({})).not.toHaveProperty('rateLimit');
  });

  it('start anew when what they read changes, and for nothing else', () => {
    const { hash } = configFile(owner, usersSpec);

    expect(configFile(owner, { ...usersSpec, suspend: true, paused: true }).hash).toBe(hash);
    expect(configFile(owner, { ...usersSpec, serve: { enabled: true, replicas: 5 } }).hash).toBe(
      hash,
    );
    expect(configFile(owner, { ...usersSpec, workers: { min: 1, max: 9 } }).hash).toBe(hash);
    expect(configFile(owner, { ...usersSpec, rejects: { maxRows: 1 } }).hash).not.toBe(hash);
    const serve = { ...usersSpec.serve, auth: { mode: 'Tokens' as const } };
    expect(configFile(owner, { ...usersSpec, serve }).hash).not.toBe(hash);
  });

  it('run restricted: not as root, read-only, without privileges or API access', () => {
    for (const child of [
      coordinatorJob(owner, childOptions('coordinator')),
      workerDeployment(owner, childOptions('worker')),
      gatewayDeployment(owner, childOptions('gateway')),
    ]) {
      expect(child).toMatchObject({
        spec: {
          template: {
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
              containers: [
                {
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                  livenessProbe: { httpGet: { path: '/livez', port: 'admin' } },
                  readinessProbe: { httpGet: { path: '/readyz', port: 'admin' } },
                },
              ],
            },
          },
        },
      });
    }
  });

  it('mount the source only where it is read, and never to write', () => {
    const worker = JSON.stringify(workerDeployment(owner, childOptions('worker')));
    const gateway = JSON.stringify(gatewayDeployment(owner, childOptions('gateway')));

    expect(worker).toContain('"persistentVolumeClaim":{"claimName":"data","readOnly":true}');
    expect(gateway).not.toContain('persistentVolumeClaim');
  });

  it('keep the memory of a gateway flat, and leave the heap of workers alone', () => {
    const bound = '{"name":"NODE_OPTIONS","value":"--max-semi-space-size=16"}';

    expect(JSON.stringify(gatewayDeployment(owner, childOptions('gateway')))).toContain(bound);
    expect(JSON.stringify(workerDeployment(owner, childOptions('worker')))).not.toContain(bound);
  });
});

describe('what is kept of a Secret', () => {
  it('is the names of its keys and never a value', () => {
    const kept = secretKeyNames({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'team', name: 'millrace-backends', annotations: { last: 'hunter2' } },
      data: { POSTGRES_URL: 'aHVudGVyMg==', REDIS_URL: '' },
      stringData: { RABBITMQ_URL: 'hunter2' },
    });

    expect(kept['keys']).toEqual(['POSTGRES_URL', 'RABBITMQ_URL']);
    expect(JSON.stringify(kept)).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});

describe('what is kept of a pod', () => {
  it('is all that is ever asked of it, and no more', () => {
    const metadata = { namespace: 'team', name: 'pod', uid: 'uid', labels: { a: 'b' } };
    const kept = podEssentials({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, annotations: { long: 'text' } },
      spec: {
        containers: [{ name: 'worker', env: [{ name: 'A' }], ports: [{ containerPort: 9_090 }] }],
        volumes: [{ name: 'config' }],
      },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        hostIP: '10.0.0.2',
        conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null }],
        containerStatuses: [{ name: 'worker', imageID: 'sha', state: { running: {} } }],
      },
    });

    expect(kept).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ ports: [{ containerPort: 9_090 }] }] },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ state: { running: {} } }],
      },
    });
  });
});
