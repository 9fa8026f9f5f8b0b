import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryToJson } from './binary-json.ts';
import { typeEncoder, type ColumnTyping } from './column-encoder.ts';
import { CopyBuffer } from './copy-buffer.ts';

/** Through the encoder, as a file's field, and back. */
function rendered(column: Omit<ColumnTyping, 'name'>, text: string): string {
  const out = new CopyBuffer(4_096);
  const bytes = Buffer.from(text);
  const refusal = typeEncoder({ name: 'it', ...column })(
    { bytes, start: 0, end: bytes.length },
    out,
  );
  expect(refusal).toBeUndefined();
  return binaryToJson(column.type, out.bytes.subarray(4, out.at));
}

describe('a value in binary form', () => {
  it.each([
    ['text', 'a "quote" and ü\u2028', '"a \\"quote\\" and ü\u2028"'],
    ['integer', '-2147483648', '-2147483648'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['boolean', 'yes', 'true'],
    ['boolean', 'f', 'false'],
    ['uuid', '{0F0E0D0C-0B0A-4908-8706-050403020100}', '"0f0e0d0c-0b0a-4908-8706-050403020100"'],
    ['json', '{"a": [1, 2.50]}', '{"a": [1, 2.50]}'],
    ['date', '2024-02-29', '"2024-02-29"'],
    ['date', '1969-12-31', '"1969-12-31"'],
    ['date', '0001-01-01', '"0001-01-01"'],
    ['timestamp', '2026-01-02T03:04:05.678900Z', '"2026-01-02T03:04:05.6789+00:00"'],
    ['timestamp', '1999-12-31T23:59:59.999999Z', '"1999-12-31T23:59:59.999999+00:00"'],
    ['timestamp', '1815-12-10T00:00:00+01:00', '"1815-12-09T23:00:00+00:00"'],
    ['decimal', '0', '0'],
    ['decimal', '-0.00', '0.00'],
    ['decimal', '1.50', '1.50'],
    ['decimal', '-0.00001', '-0.00001'],
    ['decimal', '100000000', '100000000'],
    ['decimal', '123456789012345678901234567890.000100', '123456789012345678901234567890.000100'],
    ['decimal', '1e5', '100000'],
  ] as const)('of type %s renders %j as the server would', (type, text, json) => {
    expect(rendered({ type }, text)).toBe(json);
  });

  it.each([
    ['9224318015999', '"294276-12-31T23:59:59+00:00"'],
    ['-62135596801', '"0001-12-31T23:59:59+00:00 BC"'],
    ['-210866803200', '"4714-11-24T00:00:00+00:00 BC"'],
  ])('holds the whole range of the type timestamp, such as %s s since 1970', (seconds, json) => {
    const column = { type: 'timestamp', format: 'EpochSeconds', allowNegative: true } as const;

    expect(rendered(column, seconds)).toBe(json);
  });

  it('has the days of the calendar, through leap years and centuries', () => {
    const day = fc.integer({ min: -719_162, max: 2_932_896 });
    fc.assert(
      fc.property(day, (days) => {
        const text = new Date(days * 86_400_000).toISOString().slice(0, 10);

        expect(rendered({ type: 'date' }, text)).toBe(JSON.stringify(text));
      }),
      { numRuns: 1_000 },
    );
  });
});
