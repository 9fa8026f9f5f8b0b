import { describe, expect, it } from 'vitest';
import {
  ImportCluster,
  namespace,
  report,
  users,
  usersSpec,
} from '../../../test/import-cluster.ts';
import { eventType } from '../../machinery/events.ts';
import { csvImports } from './resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  services,
} from '../../machinery/workload/resource-types.ts';

describe('children of an import', () => {
  it('corrects what somebody else changed', async () => {
    await using cluster = await ImportCluster.create();

    await cluster.api.patch(
      configMaps,
      { namespace, name: 'users-config' },
      { data: { 'config.json': '{}' } },
    );
    await cluster.settle();

    const held = await cluster.read(configMaps, 'users-config');
    expect(JSON.stringify(held?.['data'])).toContain('users.csv');
    const { items } = await cluster.api.list(eventType, { namespace });
    expect(items.find((event) => event['reason'] === 'DriftCorrected')).toMatchObject({
      regarding: { kind: 'CsvImport', name: 'users' },
      note: expect.stringMatching(/data\.config\.json of ConfigMap users-config/) as unknown,
    });
  });

  it('removes the gateway when it is no longer asked for, and nothing else', async () => {
    await using cluster = await ImportCluster.create();

    await cluster.changeSpec({ serve: { enabled: false } });

    expect(await cluster.read(deployments, 'users-gateway')).toBeUndefined();
    expect(await cluster.read(services, 'users-gateway')).toBeUndefined();
    expect(await cluster.read(deployments, 'users-worker')).toBeDefined();
    expect(await cluster.read(configMaps, 'users-config')).toBeDefined();
  });

  it('never takes over an object that is not its own', async () => {
    const cluster = new ImportCluster();
    await using _ = cluster;
    await cluster.api.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'users-config' },
      data: { mine: 'yes' },
    });
    await cluster.given({});
    await cluster.startOperator();
    await cluster.settle();

    const held = await cluster.read(configMaps, 'users-config');
    expect(held).toMatchObject({ data: { mine: 'yes' } });
    expect(JSON.stringify(held?.['data'])).toBe('{"mine":"yes"}');
    expect(await cluster.condition('Stalled')).toMatchObject({ reason: 'NameTaken' });

    await cluster.api.delete(configMaps, { namespace, name: 'users-config' });
    await cluster.clock.advance(31_000);
    await cluster.settle();

    expect(await cluster.condition('Stalled')).toMatchObject({ status: 'False' });
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
  });

  it('are made anew, in the same pass of events, for a resource that was deleted and created again', async () => {
    await using cluster = await ImportCluster.create();
    const before = await cluster.read(jobs, 'users-coordinator');

    await cluster.api.delete(csvImports, users);
    await cluster.api.create(csvImports, {
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'CsvImport',
      metadata: users,
      spec: usersSpec,
    });
    await cluster.clock.advance(60_000);
    await cluster.settle();

    const after = await cluster.read(jobs, 'users-coordinator');
    const resource = await cluster.read(csvImports, 'users');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.metadata.ownerReferences?.[0]?.uid).toBe(resource?.metadata.uid);
    expect(await cluster.condition('Stalled')).toMatchObject({ status: 'False' });
  });

  it('makes the coordinator anew when its configuration changes, once the old one has ended', async () => {
    await using cluster = await ImportCluster.create();
    cluster.progress = report();
    await cluster.runCoordinator();
    const before = await cluster.read(jobs, 'users-coordinator');

    await cluster.changeSpec({ rejects: { maxRows: 7 } });

    const after = await cluster.read(jobs, 'users-coordinator');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(JSON.stringify(after)).toContain('millrace.dev/config-hash');
  });

  it('are deleted only after the deletion has been written down, against what was decided upon', async () => {
    await using cluster = await ImportCluster.create();
    const before = await cluster.read(jobs, 'users-coordinator');
    cluster.calls.length = 0;

    await cluster.changeSpec({ rejects: { maxRows: 7 } });

    const status = await cluster.status();
    expect(status?.intent).toMatchObject({ uid: before?.metadata.uid, epoch: 0 });
    expect(status?.intent?.step).toContain('delete Job/users-coordinator');
    expect(status?.conditions?.length).toBe(9);
    const verbs = cluster.calls.map(({ verb }) => verb);
    expect(verbs.indexOf('delete')).toBeGreaterThan(verbs.indexOf('applyStatus'));
    expect(verbs.filter((verb) => verb === 'delete').length).toBe(1);
  });

  it('are not deleted by one that led before', async () => {
    await using cluster = new ImportCluster();
    await cluster.given({});
    const lead = () =>
      Promise.resolve({ epoch: 3, isValid: () => true, lost: new AbortController().signal });
    await cluster.startOperator(cluster.api, { lead });
    await cluster.settle();
    const before = await cluster.read(jobs, 'users-coordinator');
    const { apiVersion, kind } = csvImports;
    const intent = { step: 'delete Job/users-coordinator: as asked', uid: 'x', epoch: 4, at: '' };
    await cluster.api.applyStatus(
      csvImports,
      { apiVersion, kind, metadata: users, status: { intent } },
      { fieldManager: 'millrace-intent', force: true },
    );

    await cluster.changeSpec({ rejects: { maxRows: 7 } });

    const after = await cluster.read(jobs, 'users-coordinator');
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect((await cluster.status())?.intent).toEqual(intent);
  });

  it('never lets a pass set replicas that the scaler owns', async () => {
    await using cluster = await ImportCluster.create();
    const asHuman = { fieldManager: 'kubectl', force: true, replicas: 7 };

    await cluster.api.scale(deployments, { namespace, name: 'users-gateway' }, asHuman);
    await cluster.settle();

    expect(await cluster.read(deployments, 'users-gateway')).toMatchObject({
      spec: { replicas: 1 },
    });
    const applied = cluster.calls.filter(
      ({ verb, ref }) => verb === 'apply' && ref?.name === 'users-gateway',
    );
    expect(applied.length).toBe(3); // Made, handed over; the Service of the same name.
  });
});
