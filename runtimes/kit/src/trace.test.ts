import { expect, test } from 'vitest';
import { continueTrace, formatTrace, newTrace } from './trace.ts';

test('a trace goes on under a new span', () => {
  const parent = { ...newTrace(), sampled: true };

  const child = continueTrace(formatTrace(parent));

  expect(child).toMatchObject({ traceId: parent.traceId, sampled: true });
  expect(child.spanId).not.toBe(parent.spanId);
});

test.each([undefined, 42, '', 'garbage', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`])(
  'the malformed header %j starts a new trace',
  (header) => {
    expect(continueTrace(header)).toMatchObject({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      sampled: false,
    });
  },
);
