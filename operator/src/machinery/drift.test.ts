import { describe, expect, it } from 'vitest';
import { driftNote, driftOf } from './drift.ts';
import type { KubeObject, ResourceType } from './kube-api.ts';

const type: ResourceType = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };

function deployment(image: string, fields: Readonly<Record<string, object>> = {}): KubeObject {
  const managedFields = Object.entries(fields).map(([manager, fieldsV1]) => ({
    manager,
    fieldsV1,
  }));
  const metadata = { namespace: 'team', name: 'worker', managedFields };
  const containers = [{ name: 'worker', image, ports: [{ containerPort: 80 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { paused: false, template: { spec: { containers } } },
  };
}

/** What is owned of the container called `worker`. */
function owned(container: object): object {
  const containers = { 'k:{"name":"worker"}': { '.': {}, ...container } };
  return { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': containers } } } };
}

function withoutOwners({ metadata, ...object }: KubeObject): KubeObject {
  const { namespace, name } = metadata;
  return { ...object, metadata: { namespace, name } } as KubeObject;
}

const wanted = withoutOwners(deployment('ours'));

describe('drift', () => {
  it('names the manager of the field that differs, and nobody who owns something else', () => {
    const live = deployment('theirs', {
      'kubectl-edit': owned({ 'f:image': {} }),
      autoscaler: { 'f:spec': { 'f:replicas': {} } },
      'kube-controller-manager': { 'f:status': {} },
      ours: owned({ 'f:image': {}, 'f:name': {} }),
    });

    expect(driftOf({ type, wanted, live }, ['ours'])).toEqual({
      type,
      ref: { namespace: 'team', name: 'worker' },
      by: ['kubectl-edit'],
      fields: ['spec.template.spec.containers[0].image'],
    });
  });

  it('finds the owner of an item that took the place of ours', () => {
    const mine = deployment('ours');
    const port = { 'k:{"containerPort":80}': { '.': {}, 'f:containerPort': {} } };
    const live = deployment('ours', { mesh: owned({ 'f:ports': port }), other: owned({}) });
    const text = JSON.stringify(mine).replace('"containerPort":80', '"containerPort":81');

    const drift = driftOf(
      { type, wanted: withoutOwners(JSON.parse(text) as KubeObject), live },
      [],
    );

    expect(drift).toMatchObject({
      by: ['mesh'],
      fields: ['spec.template.spec.containers[0].ports[0].containerPort'],
    });
  });

  it('is none where the live object is as wanted after all', () => {
    expect(driftOf({ type, wanted, live: deployment('ours') }, [])).toBeUndefined();
  });

  it('is told without values, and without a name where nobody owns what was removed', () => {
    const { spec: _spec, ...bare } = deployment('ours');
    const drift = driftOf({ type, wanted, live: bare }, []);

    expect(drift === undefined ? undefined : driftNote(wanted, drift)).toMatchObject({
      reason: 'DriftCorrected',
      note: 'Somebody had changed spec of Deployment worker; it was put back.',
    });
  });
});
