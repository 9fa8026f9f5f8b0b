import { expect, it, vi } from 'vitest';
import {
  childrenOf,
  importNamed,
  importThatIs,
  prerequisites,
  settledVersions,
} from '../test/import-namespace.ts';
import { operatorProcess, until, type OperatorProcess } from '../test/operator-process.ts';
import { describeOnCluster, realNamespace, type RealNamespace } from '../test/real-cluster.ts';
import { leaseType } from './machinery/leader-election/lease.ts';

// Two processes and a Lease that runs out: ten seconds, or several times that on a loaded host.
vi.setConfig({ testTimeout: 90_000 });

function start(place: RealNamespace, ...more: readonly string[]): OperatorProcess {
  const { kubeconfig, namespace } = place;
  const scope = ['--kubeconfig', kubeconfig, '--namespace', namespace];
  return operatorProcess([...scope, '--runtime-image', 'millrace-runtimes:test', ...more]);
}

function isLeading(operator: OperatorProcess): boolean {
  return operator.lines().some(({ msg }) => msg === 'leading');
}

/** Two candidates, told apart by who leads. */
async function pair(place: RealNamespace) {
  const one = start(place);
  const two = start(place);
  const all = [one, two] as const;
  const leader = await until(
    () => all.find(isLeading),
    () => `a leader in ${one.text()}${two.text()}`,
  );
  const standby = leader === one ? two : one;
  await standby.line('caches filled, standing by');
  return {
    leader,
    standby,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((operator) => operator[Symbol.asyncDispose]()));
    },
  };
}

async function holder({ api, namespace }: RealNamespace): Promise<unknown> {
  const lease = await api.get(leaseType, { namespace, name: 'millrace-operator' });
  return (lease?.['spec'] as { readonly holderIdentity?: string } | undefined)?.holderIdentity;
}

/** Calls by the operator that change something, by its own count. */
async function writes(operator: OperatorProcess): Promise<readonly string[]> {
  const { body } = await operator.ask('/metrics');
  const writing = /^millrace_operator_api_calls_total\{verb="(create|apply|patch|scale|delete)/;
  return body.split('\n').filter((line) => writing.test(line));
}

async function firstPass(operator: OperatorProcess): Promise<void> {
  await until(
    async () => {
      const { body } = await operator.ask('/metrics');
      return /^millrace_operator_reconcile_total\{.*"done"\} [1-9]/m.exec(body)?.[0];
    },
    () => `a pass in ${operator.text()}`,
  );
}

describeOnCluster('the operator as a process on a real server', () => {
  it('makes the children of the example, says each change of state once, and drains', async () => {
    await using place = await realNamespace();
    await using operator = start(place, '--no-leader-election');
    await operator.line('leading');
    await importNamed('users', place);
    await importThatIs({ name: 'users', reason: 'SecretNotFound' }, place);
    await prerequisites(place);

    const children = await childrenOf('users', place);
    await importThatIs({ name: 'users', reason: 'CoordinatorPending' }, place);
    operator.kill('SIGTERM');

    expect(children).toHaveLength(5);
    expect(await operator.ended).toEqual({ code: 0, signal: null });
    const said = operator.lines().filter(({ msg }) => msg === 'state changed');
    expect(said[0]).toMatchObject({ namespace: place.namespace, to: 'SecretNotFound' });
    expect(said.at(-1)).toMatchObject({ to: 'CoordinatorPending' });
    for (const [index, { from }] of said.entries()) expect(from).toBe(said[index - 1]?.['to']);
    expect(operator.text()).not.toContain('not-a-real-password');
  });

  it('changes no child and no status when it is started again', async () => {
    await using place = await realNamespace();
    await prerequisites(place);
    await importNamed('users', place);
    await using first = start(place, '--no-leader-election');
    await importThatIs({ name: 'users', reason: 'CoordinatorPending' }, place);
    first.kill('SIGTERM');
    await first.ended;
    const before = await settledVersions(place);

    await using second = start(place, '--no-leader-election');
    await firstPass(second);

    expect(await settledVersions(place)).toEqual(before);
    expect(await writes(second)).toEqual([]);
    expect(second.lines().filter(({ msg }) => msg === 'state changed')).toEqual([]);
  });

  it('has one leader and a ready standby, which acts at once when the leader is told to stop', async () => {
    await using place = await realNamespace();
    await prerequisites(place);
    await using both = await pair(place);
    const { leader, standby } = both;
    await importNamed('users', place);
    await childrenOf('users', place);

    expect(JSON.parse((await leader.ask('/readyz')).body)).toMatchObject({ role: 'leader' });
    const readiness = await standby.ask('/readyz');
    expect(readiness.status).toBe(200);
    expect(JSON.parse(readiness.body)).toMatchObject({ ready: true, role: 'standby' });
    expect((await standby.ask('/metrics')).body).toContain('millrace_operator_leader 0');
    expect(await writes(standby)).toEqual([]);

    leader.kill('SIGTERM');
    expect(await leader.ended).toEqual({ code: 0, signal: null });
    // Given up and not left to run out: nobody holds it, or the successor does already.
    const { identity } = await leader.line('candidate for the Lease');
    expect(await holder(place)).not.toBe(identity);
    await standby.line('leading');
    await importNamed('orders', place);

    expect(await childrenOf('orders', place)).toHaveLength(5);
  });

  it('is followed by the standby when it is killed, which changes nothing that stands', async () => {
    await using place = await realNamespace();
    await prerequisites(place);
    await using both = await pair(place);
    const { leader, standby } = both;
    const { epoch } = await leader.line('leading');
    await importNamed('users', place);
    await importThatIs({ name: 'users', reason: 'CoordinatorPending' }, place);
    const before = await settledVersions(place);

    leader.kill('SIGKILL');
    const next = await standby.line('leading');
    await firstPass(standby);

    expect(next['epoch']).toBe(Number(epoch) + 1);
    expect(await settledVersions(place)).toEqual(before);
    await importNamed('orders', place);
    expect(await childrenOf('orders', place)).toHaveLength(5);
  });

  it('says why it cannot become the leader', async () => {
    await using place = await realNamespace();
    await using operator = start(place, '--lease-namespace', 'there-is-no-such-namespace');

    const line = await operator.line('the Lease cannot be had');
    const { status, body } = await operator.ask('/readyz');

    expect(line).toMatchObject({ level: 'warn', why: expect.stringContaining('not found') });
    expect(status).toBe(200);
    expect(body).toContain('there-is-no-such-namespace');
  });

  it('writes nothing and ends when it wakes up after its Lease has run out', async () => {
    await using place = await realNamespace();
    await prerequisites(place);
    await using both = await pair(place);
    const { leader, standby } = both;

    leader.kill('SIGSTOP');
    await importNamed('users', place);
    await standby.line('leading');
    await importThatIs({ name: 'users', reason: 'CoordinatorPending' }, place);
    const before = await settledVersions(place);
    leader.kill('SIGCONT');

    expect(await leader.ended).toEqual({ code: 1, signal: null });
    expect(leader.lines().some(({ msg }) => msg === 'leadership lost')).toBe(true);
    expect(leader.lines().filter(({ msg }) => msg === 'state changed')).toEqual([]);
    expect(await settledVersions(place)).toEqual(before);
    expect(isLeading(standby)).toBe(true);
  });
});
