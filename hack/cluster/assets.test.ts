import { describe, expect, it } from 'vitest';

import { findPrograms, NoPrograms } from './assets.ts';
import { scratch } from './test/scratch.ts';

const version = 'echo "Kubernetes v9.9.9"';
const apiTier = { etcd: 'true', 'kube-apiserver': version, kubectl: 'true' };

function search(env: Readonly<Record<string, string>>) {
  const said: string[] = [];
  const signal = new AbortController().signal;
  return { said, options: { env, signal, log: (line: string) => said.push(line) } };
}

describe('the programs of a control plane', () => {
  it('come from KUBEBUILDER_ASSETS when it has all that the tier needs, and say so', async () => {
    await using place = await scratch();
    const folder = await place.assets(apiTier);
    const { said, options } = search({ KUBEBUILDER_ASSETS: folder });

    const found = await findPrograms('a', options);

    expect(found).toMatchObject({ version: 'Kubernetes v9.9.9', place: folder });
    expect(said).toEqual([`programs from KUBEBUILDER_ASSETS (${folder})`]);
  });

  it('are not taken from a folder that lacks some; the refusal names them and what to do', async () => {
    await using place = await scratch();
    const folder = await place.assets(apiTier);
    const { said, options } = search({
      KUBEBUILDER_ASSETS: folder,
      XDG_CACHE_HOME: place.path,
      PATH: '',
    });

    const refused = await findPrograms('b', options).catch((error: unknown) => error);

    const lacking = `(${folder}) lacks kube-controller-manager, kube-scheduler, which tier b needs`;
    expect(said).toEqual([`not from KUBEBUILDER_ASSETS ${lacking}`]);
    expect(refused).toBeInstanceOf(NoPrograms);
    expect(String(refused)).toContain(lacking);
    expect(String(refused)).toContain('there is no `go` on the PATH. Install Go');
  });
});
