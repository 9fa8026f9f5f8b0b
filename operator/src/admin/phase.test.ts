import { describe, expect, it } from 'vitest';
import { phase } from './phase.ts';

const fresh = { staleMs: () => 0, staleTypes: () => [] };

describe('readiness', () => {
  it('says what the start waits for', () => {
    const life = phase({ caches: fresh, leaseProblem: () => undefined });

    life.starting('CustomResourceDefinition x does not exist. Run: y');

    expect(life.readiness()).toMatchObject({
      ready: false,
      role: 'starting',
      reason: 'CustomResourceDefinition x does not exist. Run: y',
    });
  });

  it('is there for a warm standby as for a leader', () => {
    const life = phase({ caches: fresh, leaseProblem: () => undefined });

    life.standby();
    expect(life.readiness()).toMatchObject({ ready: true, role: 'standby' });
    life.leading();

    expect(life.readiness()).toMatchObject({ ready: true, role: 'leader' });
  });

  it('ends when a cache may be out of date for over two minutes, and comes back', () => {
    let staleMs = 120_000;
    const staleTypes = (): readonly string[] => (staleMs === 0 ? [] : ['jobs: Forbidden']);
    const life = phase({
      caches: { staleMs: () => staleMs, staleTypes },
      leaseProblem: () => undefined,
    });
    life.standby();

    expect(life.readiness()).toMatchObject({
      ready: true,
      dependencies: { kubernetes: { ok: false, reason: 'jobs: Forbidden' } },
    });
    staleMs = 121_000;
    expect(life.readiness()).toMatchObject({
      ready: false,
      role: 'standby',
      reason: expect.stringContaining('121 s'),
    });
    staleMs = 0;

    expect(life.readiness()).toMatchObject({
      ready: true,
      dependencies: { kubernetes: { ok: true } },
    });
  });

  it('tells of a Lease that cannot be had, and stays', () => {
    const life = phase({
      caches: fresh,
      leaseProblem: () => 'Lease a/b: namespaces "a" not found',
    });
    life.standby();

    expect(life.readiness()).toMatchObject({
      ready: true,
      dependencies: { lease: { ok: false, reason: expect.stringContaining('not found') } },
    });
  });

  it('ends with the order to stop, whatever comes after', () => {
    const life = phase({ caches: fresh, leaseProblem: () => undefined });

    life.draining();
    life.standby();
    life.leading();

    expect(life.readiness()).toMatchObject({ ready: false, role: 'draining' });
  });
});
