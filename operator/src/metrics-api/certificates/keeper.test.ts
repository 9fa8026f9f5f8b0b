import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/manual-clock.ts';
import type { KubeApi } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { createMemoryApi, type MemoryApi } from '../../memory/memory-api.ts';
import { ourLabels } from '../ours.ts';
import { bundleOf } from './bundle.ts';
import { issue, type Issued } from './issue.ts';
import { CertificateKeeper, secretType, type Identity } from './keeper.ts';
import { lifeMs } from './rotation.ts';

const secret = { namespace: 'millrace-system', name: 'millrace-metrics-api-tls' };
const names = ['millrace-metrics-api.millrace-system.svc'];
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** Whether a client with these authorities accepts it at that time. */
function accepts(authorities: string, certificate: string, now: number): boolean {
  const leaf = new X509Certificate(certificate);
  const blocks = authorities.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return blocks.some((block) => {
    const issuer = new X509Certificate(block);
    const isNow = [leaf, issuer].every(
      ({ validFromDate, validToDate }) => +validFromDate <= now && now <= +validToDate,
    );
    return isNow && leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
  });
}

class Cluster {
  readonly clock = new ManualClock();
  readonly api: MemoryApi = createMemoryApi({
    now: () => this.clock.now(),
    newUid: ({ name }) => `uid-${name}-${this.clock.now()}`,
  });

  replica(options: { readonly api?: KubeApi; readonly names?: readonly string[] } = {}) {
    const told: Identity[] = [];
    const keeper = new CertificateKeeper({
      api: options.api ?? this.api,
      clock: this.clock,
      secret,
      names: options.names ?? names,
      onIdentity: (identity) => told.push(identity),
    });
    return { keeper, told, pass: async () => await keeper.pass() };
  }

  /** What people are to give to clients. */
  async copyOfAuthorities(): Promise<string> {
    const held = await this.api.get(secretType, secret);
    const data = (held?.['data'] ?? {}) as Readonly<Record<string, string>>;
    return Buffer.from(data['authorities.crt'] ?? '', 'base64').toString('utf8');
  }

  async bundle() {
    const held = await this.api.get(secretType, secret);
    return held === undefined ? undefined : bundleOf(held);
  }
}

function identityOf({ keeper }: { readonly keeper: CertificateKeeper }): Identity {
  if (keeper.identity === undefined) throw new Error('nothing is served');
  return keeper.identity;
}

describe('the keeper of certificates', () => {
  it('makes the Secret once for two that start together', async () => {
    const cluster = new Cluster();
    const [one, two] = [cluster.replica(), cluster.replica()];

    await Promise.all([one.pass(), two.pass()]);

    expect(identityOf(one)).toEqual(identityOf(two));
    const held = await cluster.api.get(secretType, secret);
    expect(held?.metadata.labels).toEqual(ourLabels);
    expect(identityOf(one).served).toEqual((await cluster.bundle())?.current);
  });

  it('serves through three quarters of a year what every client was told of before, on replicas that look at odd times', async () => {
    const cluster = new Cluster();
    const [one, two] = [cluster.replica(), cluster.replica()];
    await one.pass();
    await two.pass();
    // What clients were last told, by whichever replica looked last.
    let authorities = identityOf(one).authorities;
    const served = new Set<string>();

    for (let look = 0; look < 280; look++) {
      await cluster.clock.advance(23 * hourMs);
      const who = look % 3 === 0 ? [one, two] : [look % 2 === 0 ? one : two];
      for (const replica of who) {
        await replica.pass();
        // Before the authorities that this look has brought are told to anybody.
        const { certificate } = identityOf(replica).served;
        const isNew = !served.has(certificate);
        served.add(certificate);
        if (isNew && served.size > 1) {
          expect(accepts(authorities, certificate, cluster.clock.now())).toBe(true);
        }
        authorities = identityOf(replica).authorities;
      }
      for (const replica of [one, two]) {
        const { certificate } = identityOf(replica).served;
        expect(accepts(authorities, certificate, cluster.clock.now())).toBe(true);
      }
    }
    // Sixty days each.
    expect(served.size).toBe(5);
  });

  it('announces the next one at two thirds, a week before it is served, and says when to look again', async () => {
    const cluster = new Cluster();
    const replica = cluster.replica();
    const restMs = await replica.pass();
    const first = identityOf(replica);

    expect(restMs / dayMs).toBeCloseTo((lifeMs / dayMs) * (2 / 3), 1);
    await cluster.clock.advance(restMs);
    expect(await replica.pass()).toBe(7 * dayMs);
    const second = identityOf(replica);
    expect(second.served).toEqual(first.served);
    expect(second.authorities).not.toBe(first.authorities);
    expect(second.authorities).toContain(first.authorities);
    expect(await cluster.copyOfAuthorities()).toBe(second.authorities);

    await cluster.clock.advance(7 * dayMs);
    await replica.pass();

    const third = identityOf(replica);
    expect(third.served).not.toEqual(first.served);
    // Another replica may look a little later and serve the first until then.
    expect(third.authorities).toContain(first.authorities);
  });

  it('renews once when two find that it is due', async () => {
    const cluster = new Cluster();
    const patches: string[] = [];
    const api: KubeApi = {
      ...bound(cluster.api),
      patch: async (...args) => {
        const { metadata } = await cluster.api.patch(...args);
        patches.push(metadata.name);
        return await Promise.resolve({ apiVersion: 'v1', kind: 'Secret', metadata });
      },
    };
    const [one, two] = [cluster.replica({ api }), cluster.replica({ api })];
    await cluster.clock.advance(await one.pass());

    await Promise.all([one.pass(), two.pass()]);

    expect(patches).toHaveLength(1);
    expect(identityOf(one)).toEqual(identityOf(two));
  });

  it('makes a Secret that was deleted again from what is served', async () => {
    const cluster = new Cluster();
    const { told, pass } = cluster.replica();
    await pass();

    await cluster.api.delete(secretType, secret);
    await pass();

    expect(told).toHaveLength(1);
    expect((await cluster.bundle())?.current).toEqual(told[0]?.served);
  });

  it('replaces what is broken, keeping the authority that others still serve by', async () => {
    const cluster = new Cluster();
    const { keeper, told, pass } = cluster.replica();
    await pass();
    const data = { 'tls.key': Buffer.from('broken').toString('base64') };
    await cluster.api.patch(secretType, secret, { data });

    await pass();

    expect(keeper.identity?.served).not.toEqual(told[0]?.served);
    expect(keeper.identity?.authorities).toContain(told[0]?.authorities);
  });

  it('replaces at once what does not have the names of the Service, and what nobody renewed', async () => {
    const cluster = new Cluster();
    await cluster.replica({ names: ['old.millrace-system.svc'] }).pass();
    const renamed = cluster.replica();

    await renamed.pass();

    const renamedLeaf = new X509Certificate(identityOf(renamed).served.certificate);
    expect(renamedLeaf.subjectAltName).toBe(`DNS:${names[0]}`);
    await cluster.clock.advance(2 * lifeMs);
    const late = cluster.replica();
    await late.pass();
    const { served, authorities } = identityOf(late);
    expect(accepts(authorities, served.certificate, cluster.clock.now())).toBe(true);
    // What has run out is trusted no more.
    expect(authorities).toBe(served.authority);
  });

  it('never writes over a Secret that somebody else made', async () => {
    const cluster = new Cluster();
    const theirs = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secret,
      data: { password: 'bm90LWEtcmVhbC1vbmU=' },
    };
    const made = await cluster.api.create(secretType, theirs);

    await expect(cluster.replica().pass()).rejects.toMatchObject({ code: 'SecretTaken' });

    expect(await cluster.api.get(secretType, secret)).toEqual(made);
  });

  it('gives up for now when every write loses, and fails with what the API says otherwise', async () => {
    const cluster = new Cluster();
    const failing = (reason: 'Conflict' | 'Forbidden'): KubeApi => ({
      ...bound(cluster.api),
      create: () => Promise.reject(new KubeFailure(reason, 'no')),
    });

    for (const reason of ['Conflict', 'Forbidden'] as const) {
      const { pass } = cluster.replica({ api: failing(reason) });
      await expect(pass()).rejects.toMatchObject({ reason });
    }
  });
});

function bound(api: KubeApi): KubeApi {
  return {
    get: (...args) => api.get(...args),
    list: (...args) => api.list(...args),
    watch: (...args) => api.watch(...args),
    create: (...args) => api.create(...args),
    apply: (...args) => api.apply(...args),
    patch: (...args) => api.patch(...args),
    applyStatus: (...args) => api.applyStatus(...args),
    scale: (...args) => api.scale(...args),
    delete: (...args) => api.delete(...args),
  };
}

describe('a certificate', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  let issued: Issued;
  beforeAll(async () => {
    issued = await issue({ names: [...names, 'b'], now, lifeMs });
  });

  it('is for a server of these names, by an authority that can sign nothing but leaves', () => {
    const leaf = new X509Certificate(issued.certificate);
    const authority = new X509Certificate(issued.authority);

    expect(leaf.subjectAltName).toBe(`DNS:${names[0]}, DNS:b`);
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(authority.ca).toBe(true);
    expect(leaf.checkIssued(authority)).toBe(true);
    expect(accepts(issued.authority, issued.certificate, now)).toBe(true);
  });

  it('of another key or another authority is no part of a bundle', async () => {
    const other = await issue({ names, now, lifeMs });
    const secretOf = (fields: Issued) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secret,
      data: {
        'tls.crt': Buffer.from(fields.certificate).toString('base64'),
        'tls.key': Buffer.from(fields.key).toString('base64'),
        'ca.crt': Buffer.from(fields.authority).toString('base64'),
      },
    });

    expect(bundleOf(secretOf(issued))).toEqual({ current: issued });
    expect(bundleOf(secretOf({ ...issued, key: other.key }))).toBeUndefined();
    expect(bundleOf(secretOf({ ...issued, authority: other.authority }))).toBeUndefined();
    expect(bundleOf(secretOf({ ...issued, certificate: 'none' }))).toBeUndefined();
  });
});
