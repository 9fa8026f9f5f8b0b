import { describe, expect, it } from 'vitest';
import { defaults } from './config.ts';
import { leaseNamespace } from './election.ts';

describe('the Lease', () => {
  const leaderElection = defaults.leaderElection;

  it.each([
    ['where it is told', { ...leaderElection, namespace: 'told' }, true, 'told'],
    ['in the namespace of the pod', leaderElection, true, 'own'],
    ['in the first namespace when started by hand', leaderElection, false, 'team-a'],
  ])('is %s', (_where, election, isPod, expected) => {
    const config = { leaderElection: election, namespaces: ['team-a', 'team-b'] };

    expect(leaseNamespace(config, { isPod, namespace: 'own' })).toBe(expected);
  });

  it('is in the namespace of the context when all namespaces are worked in', () => {
    const config = { leaderElection, namespaces: [] };

    expect(leaseNamespace(config, { namespace: 'context' })).toBe('context');
  });
});
