import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sampleLines } from './sample.ts';

const lines = [...sampleLines(20_000)];

test('is the same on every host', () => {
  const digest = createHash('sha256').update(lines.join('\n')).digest('hex');

  expect(digest).toBe('abda5c02a8ecb5f225a543e548b91c2c224ffc9aa4e3abad6bd9a9395ef7087e');
});

test('has repeated users, missing parents and a few broken lines', () => {
  const ids = lines.slice(1).map((line) => line.split(',', 1)[0]);

  expect(lines).toHaveLength(20_001);
  expect(ids.length - new Set(ids).size).toBeGreaterThan(40);
  expect(lines.some((line) => line.endsWith(',-1'))).toBe(true);
  expect(lines.filter((line) => line.includes('yesterday')).length).toBe(1);
});
