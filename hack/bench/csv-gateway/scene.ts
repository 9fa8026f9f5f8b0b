/** One gateway over a table as an import leaves it, with its Redis. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { gatewayEnv } from '@millrace/operator/kinds/csv-import/children/pod';
import { filterIndexName } from '@millrace/runtimes/csv-import/load/target-indexes';
import type { RunningBackend } from '../../backends/backend.ts';
import { portAllocator } from '../../play/supervisor/free-port.ts';
import { startPod, type Pod } from '../pods.ts';
import type { BenchOptions } from './options.ts';

export const loopback = '127.0.0.1';
export const table = 'people';
const readyPatienceMs = 60_000;
const freePort = portAllocator();

export interface Scene extends AsyncDisposable {
  readonly gateway: Pod;
  readonly port: number;
}

export interface SceneOptions {
  readonly options: BenchOptions;
  readonly folder: string;
  readonly postgres: RunningBackend;
  readonly redis: RunningBackend;
}

/** Eight columns of some 80 bytes; names repeat as names do. */
export async function fillTable(postgres: RunningBackend, rows: number): Promise<void> {
  const owner = new Pool({ connectionString: postgres.extra.ownerUrl ?? postgres.url, max: 1 });
  const role = decodeURIComponent(new URL(postgres.url).username);
  try {
    await owner.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, first_name text, last_name text,
      email text, city text, balance numeric, created_at timestamptz, parent_id bigint,
      _millrace_pos bigint NOT NULL)`);
    await owner.query(
      `INSERT INTO ${table} SELECT i, initcap(left(md5((i % 5000)::text), 7)),
         initcap(left(md5((i % 20000 + 7)::text), 9)), left(md5(i::text), 12) || '@example.org',
         left(md5((i % 300)::text), 8), (i % 100000) / 100.0, now() - i * interval '1 second',
         nullif(i % 97, 0), i FROM generate_series(1, $1) i`,
      [rows],
    );
    for (const column of ['first_name', 'last_name']) {
      await owner.query(
        `CREATE INDEX ${filterIndexName(table, column)} ON ${table} (lower(left(${column}, 64)) text_pattern_ops)`,
      );
    }
    await owner.query(`GRANT SELECT ON ${table} TO "${role}"`);
    await owner.query(`VACUUM ANALYZE ${table}`);
  } finally {
    await owner.end();
  }
}

export async function openScene(scene: SceneOptions): Promise<Scene> {
  const { options, postgres, redis } = scene;
  const folder = join(scene.folder, 'pods');
  const backendsDir = join(folder, 'backends');
  await mkdir(backendsDir, { recursive: true });
  await writeFile(join(backendsDir, 'POSTGRES_URL'), postgres.url, { mode: 0o600 });
  await writeFile(join(backendsDir, 'REDIS_URL'), redis.url, { mode: 0o600 });
  const ports = { admin: await freePort(), http: await freePort() };
  const { profile } = options;
  const gateway = await startPod({
    kind: 'csv-import',
    role: 'gateway',
    name: 'gateway',
    folder,
    config: gatewayConfig(backendsDir, ports),
    env: gatewayEnv,
    ...(profile === undefined ? {} : { profile }),
  });
  await untilReady(`http://${loopback}:${String(ports.admin)}/readyz`);
  return { gateway, port: ports.http, [Symbol.asyncDispose]: () => gateway.stop() };
}

function gatewayConfig(
  backendsDir: string,
  ports: { readonly admin: number; readonly http: number },
): Omit<CsvImportPodConfig, 'terminationLog'> {
  return {
    import: { uid: randomUUID(), namespace: 'bench', name: table },
    source: { volume: { mountPath: '/nowhere', path: 'people.csv' } },
    format: {},
    target: { table, key: ['id'], onConflict: 'LatestWins', adopt: false },
    rejects: { maxRows: 0, maxPercent: 100 },
    cache: { mode: 'Invalidate', ttlMs: 3_600_000 },
    serve: { enabled: true, filters: ['first_name', 'last_name'] },
    chunkBytes: 16_777_216,
    maxRecordBytes: 16_777_216,
    bind: {
      admin: { host: loopback, port: ports.admin },
      http: { host: loopback, port: ports.http },
    },
    backendsDir,
    graceMs: 5_000,
    logLevel: 'warn',
  };
}

async function untilReady(url: string): Promise<void> {
  const deadlineMs = Date.now() + readyPatienceMs;
  for (;;) {
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > deadlineMs) throw new Error('the gateway is not ready');
    await delay(50);
  }
}
