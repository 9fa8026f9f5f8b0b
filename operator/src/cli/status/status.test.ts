import { describe, expect, it } from 'vitest';
import { commandLine, type CommandLineOptions, type Printed } from '../../../test/command-line.ts';
import { turns } from '../../../test/manual-clock.ts';
import { ImportCluster, namespace, noTotals, report, users } from '../../../test/import-cluster.ts';
import { csvImports } from '../../kinds/csv-import/resource-types.ts';
import type { KubeApi } from '../../machinery/kube-api.ts';

type Options = Partial<CommandLineOptions>;

async function status(
  cluster: ImportCluster,
  args: readonly string[] = [],
  options: Options = {},
): Promise<Printed> {
  const now = () => cluster.clock.now();
  await using line = await commandLine({ api: cluster.api, namespace, now, ...options });
  return await line.run('status', ...args);
}

const totals = { ...noTotals, read: 1_234, loaded: 1_200, superseded: 30, rejected: 4 };

async function loadingImport(): Promise<ImportCluster> {
  const cluster = await ImportCluster.create();
  cluster.progress = report({ totals, bytes: { source: 1_000, planned: 1_000, done: 456 } });
  await cluster.runCoordinator();
  await cluster.clock.advance(20_000);
  await cluster.settle();
  await cluster.rollOut('users-worker');
  return cluster;
}

async function second(api: KubeApi): Promise<void> {
  const held = await api.get(csvImports, users);
  await api.create(csvImports, {
    apiVersion: csvImports.apiVersion,
    kind: csvImports.kind,
    metadata: { namespace: 'other', name: 'orders' },
    spec: held?.['spec'],
  });
}

describe('millrace status', () => {
  it('shows all resources of the namespace in a table', async () => {
    await using cluster = await loadingImport();

    expect((await status(cluster)).stdout).toMatchInlineSnapshot(`
      "NAME             READY  REASON   DONE  TOTALS                  WORKERS  AGE
      csvimport/users  False  Loading  45 %  1,234 read, 4 rejected  2/2      20 s
      "
    `);
  });

  it('shows those of all namespaces, and which no operator has seen', async () => {
    await using cluster = await loadingImport();
    await cluster.stopOperator();
    await second(cluster.api);

    expect((await status(cluster, ['-A'])).stdout).toMatchInlineSnapshot(`
      "NAMESPACE  NAME              READY    REASON      DONE  TOTALS                  WORKERS  AGE
      other      csvimport/orders  Unknown  NotSeenYet                                         0 s
      team       csvimport/users   False    Loading     45 %  1,234 read, 4 rejected  2/2      20 s
      "
    `);
  });

  it('does not say of a change what was said before it', async () => {
    await using cluster = await loadingImport();
    await cluster.stopOperator();
    await cluster.changeSpec({ suspend: true });

    expect((await status(cluster)).stdout).toMatch(/csvimport\/users +Unknown +ChangeNotSeen/);
  });

  it('shows one in detail, its figures as the equation that must hold', async () => {
    await using cluster = await loadingImport();

    expect((await status(cluster, ['csvi/users'])).stdout).toMatchInlineSnapshot(`
      "CsvImport team/users  ready: False (Loading, since 20 s)
        The import is running.
        45 % done
        read 1,234 = loaded 1,200 + superseded 30 + rejected 4
        workers  2 ready of 2 wanted, scaled by the operator
        image    millrace-runtimes:test
        age      20 s
        more: kubectl millrace why csvimport/users -n team
      "
    `);
  });

  it('says by its sign when the figures do not add up', async () => {
    await using cluster = await loadingImport();
    cluster.progress = report({ totals: { ...totals, loaded: 1_199 } });
    await cluster.clock.advance(20_000);
    await cluster.settle();

    expect((await status(cluster, ['csvi/users'])).stdout).toContain(
      'read 1,234 ≠ loaded 1,199 + superseded 30 + rejected 4',
    );
  });

  it('draws a bar on a terminal', async () => {
    await using cluster = await loadingImport();

    const { stdout } = await status(cluster, ['csvi/users'], { isTerminal: true });

    expect(stdout).toContain(`${'━'.repeat(11)}${'╌'.repeat(13)} 45 %`);
    expect(stdout).toContain('\u001b[1mCsvImport team/users\u001b[22m');
  });

  it('prints JSON for scripts, and nothing but a hint where there is nothing', async () => {
    await using cluster = await loadingImport();

    const one: unknown = JSON.parse((await status(cluster, ['csvi/users', '-o', 'json'])).stdout);
    const all: unknown = JSON.parse((await status(cluster, ['-o', 'json'])).stdout);
    const none = await status(cluster, ['-n', 'empty']);

    expect(one).toMatchObject({ name: 'users', percent: 45, totals: { read: 1_234 } });
    expect(all).toEqual({ items: [one] });
    expect(none).toEqual({
      stdout: '',
      stderr: 'namespace empty has no resource of Millrace; -A shows those of all namespaces\n',
      exitCode: 0,
    });
  });

  it('tells of each change while it watches, and not of what only grew older', async () => {
    await using cluster = await loadingImport();
    const stop = new AbortController();
    let text = '';
    const printed = (part: string): void => {
      text += part;
    };
    const watching = status(cluster, ['-w'], { signal: stop.signal, printed });
    await until(() => text.includes('csvimport/users'));
    cluster.api.compact();
    await cluster.api.patch(csvImports, users, { metadata: { labels: { team: 'a' } } });
    await cluster.changeSpec({ suspend: true });
    await until(() => text.includes('Suspended'));
    await cluster.api.delete(csvImports, users);
    await until(() => text.includes('Deleted'));
    stop.abort();
    await watching;

    const lines = text.trim().split('\n');
    expect(lines[0]).toMatch(/^NAME +READY +REASON/);
    expect(lines.slice(1).every((line) => line.startsWith('csvimport/users'))).toBe(true);
    expect(new Set(lines.map((line) => line.replace(/\S+ \S+$/, ''))).size).toBe(lines.length);
  });

  it('watches one until it is gone', async () => {
    await using cluster = await loadingImport();
    let text = '';
    const watching = status(cluster, ['csvi/users', '-w'], {
      printed: (part) => {
        text += part;
      },
    });
    await until(() => text.includes('CsvImport team/users'));
    await cluster.api.delete(csvImports, users);

    const { stderr, exitCode } = await watching;

    expect(stderr).toBe('CsvImport team/users was deleted\n');
    expect(exitCode).toBe(0);
  });

  it('draws over what it drew on a terminal, and only when something changed', async () => {
    await using cluster = await loadingImport();
    let text = '';
    const watching = status(cluster, ['csvi/users', '-w'], {
      isTerminal: true,
      printed: (part) => {
        text += part;
      },
    });
    await until(() => text.includes('Loading'));
    await cluster.api.patch(csvImports, users, { metadata: { labels: { team: 'a' } } });
    await cluster.changeSpec({ suspend: true });
    await until(() => text.includes('Suspended'));
    await cluster.api.delete(csvImports, users);

    const { stdout } = await watching;

    const pages = stdout.split('\u001b[8A\u001b[J');
    expect(pages.length).toBeGreaterThan(1);
    expect(new Set(pages).size).toBe(pages.length);
  });

  it.each([
    [['-w', '-o', 'json'], '-w and -o cannot be combined'],
    [['csvi/users', '-A'], '-A shows all resources'],
    [['users'], 'name a resource as csvimport/<name>'],
  ])('refuses %j', async (args, message) => {
    await using cluster = new ImportCluster();

    const { stderr, exitCode } = await status(cluster, args);

    expect(stderr).toContain(message);
    expect(exitCode).toBe(64);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isSo(); turn++) await turns(1);
  expect(isSo()).toBe(true);
}
