import { describe, expect, test } from 'vitest';
import { startAdmin, type AdminOptions } from './health.ts';
import { createMetrics } from './metrics.ts';

async function get(
  path: string,
  overrides: Partial<AdminOptions> = {},
): Promise<{ status: number; body: string }> {
  await using admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics({ namespace: 'default' }),
    readiness: () => ({
      ready: true,
      dependencies: { postgres: { ok: false, reason: 'ConnectionRefused' } },
    }),
    ...overrides,
  });
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`);
  return { status: response.status, body: await response.text() };
}

describe('the admin port', () => {
  test('is live as soon as the event loop turns', async () => {
    expect(await get('/livez')).toEqual({ status: 200, body: 'ok\n' });
  });

  test('is not live when the process knows that it is not, and says why', async () => {
    const answer = await get('/livez', { liveness: () => 'stuck for 7 s' });

    expect(answer).toEqual({ status: 503, body: 'stuck for 7 s\n' });
  });

  test('is ready with a dependency down, and lists it', async () => {
    const { status, body } = await get('/readyz');

    expect(status).toBe(200);
    expect(JSON.parse(body).dependencies.postgres).toEqual({
      ok: false,
      reason: 'ConnectionRefused',
    });
  });

  test('is not ready when the role says so', async () => {
    const { status } = await get('/readyz', {
      readiness: () => ({ ready: false, dependencies: {} }),
    });

    expect(status).toBe(503);
  });

  test('serves metrics with the labels of the process', async () => {
    const { body } = await get('/metrics');

    expect(body).toMatch(/process_cpu_user_seconds_total\{namespace="default"\}/);
  });

  test('serves progress, or 503 while there is none', async () => {
    expect(await get('/progress', { progress: async () => ({ state: 'Loading' }) })).toEqual({
      status: 200,
      body: '{"state":"Loading"}',
    });
    expect((await get('/progress')).status).toBe(503);
  });

  test('answers 500 without details when a report fails', async () => {
    const { status, body } = await get('/progress', {
      progress: async () => Promise.reject(new Error('secret')),
    });

    expect(status).toBe(500);
    expect(body).not.toContain('secret');
  });

  test('names its paths on any other', async () => {
    const { status, body } = await get('/');

    expect(status).toBe(404);
    expect(body).toContain('/readyz');
  });
});
