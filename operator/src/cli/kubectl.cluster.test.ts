/**
 * The commands as a person has them: the real kubectl finds the plugin on the PATH, the plugin finds
 * a Node and the server. Nobody runs an operator here unless a test does.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { apiVersion } from '@millrace/crds/define-kind';
import {
  describeOnCluster,
  givenCluster,
  realNamespace,
  type KubectlResult,
  type RealNamespace,
} from '../../test/real-cluster.ts';
import { usersSpec } from '../../test/import-cluster.ts';
import { csvImports } from '../kinds/csv-import/resource-types.ts';
import { configMaps } from '../machinery/workload/resource-types.ts';

const plugin = fileURLToPath(new URL('../../bin/kubectl-millrace.mjs', import.meta.url));

interface Place extends AsyncDisposable {
  readonly cluster: RealNamespace;
  /** `kubectl millrace …` in the namespace, with the manifest on standard input. */
  millrace(args: readonly string[], input?: string): Promise<KubectlResult>;
  readonly folder: string;
}

async function place(): Promise<Place> {
  const cluster = await realNamespace();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kubectl-'));
  await symlink(plugin, join(folder, 'kubectl-millrace'));
  return {
    cluster,
    folder,
    millrace: (args, input = '') =>
      run(['millrace', ...args, '-n', cluster.namespace], { folder, input }),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function run(
  args: readonly string[],
  { folder, input }: { readonly folder: string; readonly input: string },
): Promise<KubectlResult> {
  const { kubectl, kubeconfig } = givenCluster();
  const path = [folder, dirname(process.execPath), process.env['PATH']].join(delimiter);
  const child = spawn(kubectl, args, {
    env: {
      ...process.env,
      PATH: path,
      KUBECONFIG: kubeconfig,
      KUBECACHEDIR: join(folder, 'cache'),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  return { stdout, stderr, exitCode };
}

function manifest(spec: object = usersSpec): string {
  return stringify({ apiVersion, kind: 'CsvImport', metadata: { name: 'users' }, spec });
}

describeOnCluster('kubectl millrace', () => {
  it('plans on a real server, which stores nothing of it', async () => {
    await using at = await place();
    const { api, namespace } = at.cluster;

    const planned = await at.millrace(['plan', '-'], manifest());

    expect(planned).toMatchObject({ stderr: '', exitCode: 0 });
    expect(planned.stdout).toContain(`CsvImport ${namespace}/users would be created  <stdin>:1`);
    expect(planned.stdout).toContain('+ create  ConfigMap/users-config  it is new');
    expect((await api.list(csvImports, { namespace })).items).toEqual([]);
    expect(await api.get(configMaps, { namespace, name: 'users-config' })).toBeUndefined();
  });

  it('shows what the server refuses with file and line', async () => {
    await using at = await place();
    const file = join(at.folder, 'users.yaml');
    await writeFile(file, manifest({ ...usersSpec, workers: { min: -1, max: 0 } }));

    const { stdout, exitCode } = await at.millrace(['plan', file]);

    expect(stdout).toContain(`${file}:22: spec.workers.min: Invalid value: -1`);
    expect(stdout).toContain(`${file}:23: spec.workers.max: Invalid value: 0`);
    expect(exitCode).toBe(65);
  });

  it('shows what kubectl apply would take away', async () => {
    await using at = await place();
    const applied = await at.cluster.kubectl(['apply', '-f', '-'], manifest());
    const { serve: _serve, ...spec } = usersSpec;

    const planned = await at.millrace(['plan', '-'], manifest(spec));
    const unchanged = await at.millrace(['plan', '-'], manifest());

    expect(applied.exitCode).toBe(0);
    expect(planned.stdout).toMatch(/spec\.serve: \{.*\} → \(none\)/);
    expect(unchanged.stdout).toContain('is as in the cluster');
  });

  it('says why, and how all are doing', async () => {
    await using at = await place();
    await at.cluster.kubectl(['apply', '-f', '-'], manifest());

    const why = await at.millrace(['why', 'csvi/users']);
    const status = await at.millrace(['status']);
    const unknown = await at.millrace(['why', 'csvi/nobody']);

    expect(why.stdout).toContain('No operator has looked at it yet.');
    expect(why.exitCode).toBe(0);
    expect(status.stdout).toMatch(/csvimport\/users +Unknown +NotSeenYet/);
    expect(unknown).toMatchObject({ stdout: '', exitCode: 65 });
    expect(unknown.stderr).toContain('there is users');
  });

  it('says which file it looked for when there is no kubeconfig', async () => {
    await using at = await place();

    const { stdout, stderr, exitCode } = await at.millrace([
      'status',
      '--kubeconfig',
      '/no/such/file',
    ]);

    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 });
    expect(stderr).toContain('error: kubeconfig /no/such/file cannot be read');
    expect(stderr).toContain('`npm run play` keeps its API inside its own process');
  });
});
