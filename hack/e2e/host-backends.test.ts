import { expect, it } from 'vitest';
import { withHost } from './host-backends.ts';

it('renames loopback for pods and nothing else of a URL', () => {
  const url = 'postgres://app:s%40cret@127.0.0.1:5432/millrace?sslmode=disable';

  expect(withHost(url, '10.231.0.1')).toBe(
    'postgres://app:s%40cret@10.231.0.1:5432/millrace?sslmode=disable',
  );
  expect(withHost('redis://:p@redis.example:6379/0', '10.231.0.1')).toBe(
    'redis://:p@redis.example:6379/0',
  );
});
