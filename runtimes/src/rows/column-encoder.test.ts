import { describe, expect, it } from 'vitest';
import { formatProblem, nullTest, typeEncoder, type ColumnTyping } from './column-encoder.ts';
import { CopyBuffer } from './copy-buffer.ts';

type Typing = Omit<ColumnTyping, 'name'>;

/** The value's bytes as Postgres would read them, or the reason it is refused. */
function encode(typing: Typing, text: string | Buffer): Buffer | string {
  const bytes = Buffer.concat([Buffer.from('junk'), Buffer.from(text), Buffer.from('99')]);
  const out = new CopyBuffer(4096);
  out.reserve(bytes.length + 40);
  const encoder = typeEncoder({ name: 'c', ...typing });
  const reason = encoder({ bytes, start: 4, end: bytes.length - 2 }, out);
  if (reason !== undefined) return reason;
  const length = out.view.getInt32(0);
  expect(out.at).toBe(4 + length);
  return Buffer.from(out.bytes.subarray(4, out.at));
}

function encoded(typing: Typing, text: string): Buffer {
  const result = encode(typing, text);
  if (typeof result === 'string') throw new Error(`${text} was refused: ${result}`);
  return result;
}

/** Microseconds since 1970 that a timestamp was stored as. */
function micros(typing: Omit<Typing, 'type'>, text: string): bigint {
  const stored = encoded({ type: 'timestamp', ...typing }, text).readBigInt64BE();
  return stored + 946_684_800_000_000n;
}

describe('integer and bigint', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['+7', 7],
    ['007', 7],
    ['2147483647', 2_147_483_647],
    ['-2147483648', -2_147_483_648],
  ])('stores %s as an integer', (text, value) => {
    expect(encoded({ type: 'integer' }, text).readInt32BE()).toBe(value);
  });

  it.each([
    ['0', 0n],
    ['-1', -1n],
    ['999999999999999', 999_999_999_999_999n],
    ['-999999999999999', -999_999_999_999_999n],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['000000000000000000000000042', 42n],
    ['-4294967296000000000', -4_294_967_296_000_000_000n],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
  ])('stores %s as a bigint, exactly', (text, value) => {
    expect(encoded({ type: 'bigint' }, text).readBigInt64BE()).toBe(value);
  });

  it.each([
    ['integer', '2147483648', 'OutOfRange'],
    ['integer', '-2147483649', 'OutOfRange'],
    ['bigint', '9223372036854775808', 'OutOfRange'],
    ['bigint', '-9223372036854775809', 'OutOfRange'],
    ['bigint', '99999999999999999999', 'OutOfRange'],
    ['bigint', '9'.repeat(400), 'OutOfRange'],
    ['bigint', ' 1', 'NotAnInteger'],
    ['bigint', '1 ', 'NotAnInteger'],
    ['bigint', '-', 'NotAnInteger'],
    ['bigint', '--1', 'NotAnInteger'],
    ['bigint', '1.0', 'NotAnInteger'],
    ['bigint', '1e3', 'NotAnInteger'],
    ['bigint', '0x10', 'NotAnInteger'],
    ['integer', '１', 'NotAnInteger'],
  ] as const)('refuses %s %s as %s', (type, text, reason) => {
    expect(encode({ type }, text)).toBe(reason);
  });
});

describe('decimal', () => {
  it.each(['NaN', 'Infinity', '-inf', '1,5', '.', '-', '1e', 'e5', '1e+', '1.2.3', ' 1', '1_000'])(
    'refuses %s',
    (text) => {
      expect(encode({ type: 'decimal' }, text)).toBe('NotADecimal');
    },
  );

  it('refuses more digits before the point than Postgres holds', () => {
    expect(encode({ type: 'decimal' }, '1e131072')).toBe('OutOfRange');
  });

  it('refuses a fraction that the column would round, and accepts zeros beyond its scale', () => {
    expect(encode({ type: 'decimal', scale: 2 }, '1.005')).toBe('TooPrecise');
    expect(encode({ type: 'decimal', scale: 2 }, '1.500')).toBeInstanceOf(Buffer);
    expect(encode({ type: 'decimal' }, '1e-16384')).toBe('TooPrecise');
  });
});

describe('timestamp', () => {
  it.each([
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
    ['2000-02-29t00:00:00z', '2000-02-29T00:00:00.000Z'],
    ['1969-12-31 23:59:59.5+00:00', '1969-12-31T23:59:59.500Z'],
    ['2024-01-01T00:00:00+05:30', '2023-12-31T18:30:00.000Z'],
    ['2024-01-01T00:00:00-0130', '2024-01-01T01:30:00.000Z'],
    ['2024-01-01T00:00:00+02', '2023-12-31T22:00:00.000Z'],
    ['2024-01-01 12:30', '2024-01-01T12:30:00.000Z'],
    ['2024-01-01T12:30:15,25Z', '2024-01-01T12:30:15.250Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('reads %s', (text, iso) => {
    expect(micros({}, text)).toBe(BigInt(Date.parse(iso)) * 1000n);
  });

  it('keeps every microsecond in the far future', () => {
    expect(micros({}, '9999-12-31T23:59:59.999999Z') % 1_000_000n).toBe(999_999n);
  });

  it.each([
    ['2023-02-29T00:00:00Z', 'NotATimestamp'],
    ['1900-02-29T00:00:00Z', 'NotATimestamp'],
    ['2024-13-01T00:00:00Z', 'NotATimestamp'],
    ['2024-04-31T00:00:00Z', 'NotATimestamp'],
    ['0000-01-01T00:00:00Z', 'NotATimestamp'],
    ['2024-01-01T24:00:00Z', 'NotATimestamp'],
    ['2024-01-01T00:60:00Z', 'NotATimestamp'],
    ['2024-01-01T00:00:61Z', 'NotATimestamp'],
    ['2024-01-01T00:00:00.Z', 'NotATimestamp'],
    ['2024-01-01T00:00:0', 'NotATimestamp'],
    ['2024-01-01T00:00:00+', 'NotATimestamp'],
    ['2024-01-01T00:00:00+5:30', 'NotATimestamp'],
    ['2024-01-01T00:00:00ZZ', 'NotATimestamp'],
    ['2024-01-01', 'NotATimestamp'],
    ['01.02.2024 00:00', 'NotATimestamp'],
    ['2024-01-01T00:00:00.1234567Z', 'TooPrecise'],
  ])('refuses %s as %s', (text, reason) => {
    expect(encode({ type: 'timestamp' }, text)).toBe(reason);
  });

  it('accepts zeros beyond the microsecond', () => {
    expect(micros({}, '1970-01-01T00:00:00.123456000Z')).toBe(123_456n);
  });

  it.each([
    ['EpochSeconds', '1700000000', 1_700_000_000_000_000n],
    ['EpochMillis', '1700000000123', 1_700_000_000_123_000n],
    ['EpochMicros', '1700000000123456', 1_700_000_000_123_456n],
    ['EpochMicros', '9007199254740993', 9_007_199_254_740_993n],
    ['EpochMillis', '0', 0n],
  ])('reads %s %s', (format, text, value) => {
    expect(micros({ format }, text)).toBe(value);
  });

  it('refuses a negative epoch unless it is allowed', () => {
    expect(encode({ type: 'timestamp', format: 'EpochMillis' }, '-1')).toBe('NegativeEpoch');
    expect(micros({ format: 'EpochMillis', allowNegative: true }, '-1')).toBe(-1_000n);
    expect(micros({ format: 'EpochSeconds', allowNegative: true }, '-86400')).toBe(
      -86_400_000_000n,
    );
  });

  it('refuses epochs beyond what Postgres stores', () => {
    expect(encode({ type: 'timestamp', format: 'EpochSeconds' }, '9224318016000')).toBe(
      'OutOfRange',
    );
    expect(encode({ type: 'timestamp', format: 'EpochSeconds' }, '9224318015999')).toBeInstanceOf(
      Buffer,
    );
    expect(encode({ type: 'timestamp', format: 'EpochMillis' }, '1.5')).toBe('NotATimestamp');
  });

  it('reads a pattern part by part', () => {
    const format = 'dd.MM.yyyy HH:mm:ss.SSS';

    expect(micros({ format }, '29.02.2024 13:14:15.167')).toBe(
      BigInt(Date.parse('2024-02-29T13:14:15.167Z')) * 1000n,
    );
    expect(encode({ type: 'timestamp', format }, '30.02.2024 13:14:15.167')).toBe('NotATimestamp');
    expect(encode({ type: 'timestamp', format }, '29/02/2024 13:14:15.167')).toBe('NotATimestamp');
    expect(encode({ type: 'timestamp', format }, '29.02.2024 13:14')).toBe('NotATimestamp');
  });
});

describe('date', () => {
  it.each([
    ['2000-01-01', undefined, 0],
    ['1999-12-31', undefined, -1],
    ['2024-02-29', undefined, 8825],
    ['29.02.2024', 'dd.MM.yyyy', 8825],
    ['20240229', 'yyyyMMdd', 8825],
  ])('reads %s', (text, format, days) => {
    const typing: Typing = format === undefined ? { type: 'date' } : { type: 'date', format };
    expect(encoded(typing, text).readInt32BE()).toBe(days);
  });

  it.each(['2023-02-29', '2024-2-29', '2024-02-30', '24-02-29', '2024-02-29T00:00', '0000-01-01'])(
    'refuses %s',
    (text) => {
      expect(encode({ type: 'date' }, text)).toBe('NotADate');
    },
  );

  it.each(['YYYY-MM-DD', 'yyyy-MM', 'yyyy-MM-dd-dd', 'dd. MMMM yyyy', '', 'EpochMillis'])(
    'has no pattern %s, and says what to write instead',
    (format) => {
      expect(formatProblem({ name: 'born', type: 'date', format })).toMatch(
        /columns\.born\.format/,
      );
    },
  );

  it('is the only type with a format, beside timestamps', () => {
    expect(formatProblem({ name: 'n', type: 'integer', format: 'yyyy-MM-dd' })).toMatch(
      /remove it/,
    );
    expect(formatProblem({ name: 't', type: 'timestamp', format: 'EpochMicros' })).toBeUndefined();
    expect(formatProblem({ name: 'd', type: 'date', format: 'dd.MM.yyyy' })).toBeUndefined();
  });
});

describe('boolean, uuid, json and text', () => {
  it.each(['true', 'T', 'YES', 'y', '1'])('reads %s as true', (text) => {
    expect(encoded({ type: 'boolean' }, text)).toEqual(Buffer.from([1]));
  });

  it.each(['false', 'F', 'No', 'n', '0'])('reads %s as false', (text) => {
    expect(encoded({ type: 'boolean' }, text)).toEqual(Buffer.from([0]));
  });

  it.each(['2', 'tr', 'truetrue', 'ja', ' true', '10'])('refuses %s as a boolean', (text) => {
    expect(encode({ type: 'boolean' }, text)).toBe('NotABoolean');
  });

  it.each([
    '00112233-4455-6677-8899-aabbccddeeff',
    '{00112233-4455-6677-8899-AABBCCDDEEFF}',
    '00112233445566778899AabbCcddEeff',
  ])('reads the uuid %s', (text) => {
    expect(encoded({ type: 'uuid' }, text).toString('hex')).toBe(
      '00112233445566778899aabbccddeeff',
    );
  });

  it.each([
    '00112233-4455-6677-8899-aabbccddeef',
    '00112233-4455-6677-8899-aabbccddeefg',
    '0011223-34455-6677-8899-aabbccddeeff',
    '{00112233-4455-6677-8899-aabbccddeeff',
  ])('refuses the uuid %s', (text) => {
    expect(encode({ type: 'uuid' }, text)).toBe('NotAUuid');
  });

  it('keeps json as it is written and refuses what is none', () => {
    expect(encoded({ type: 'json' }, '{"a": 1, "a": 12345678901234567890}').toString()).toBe(
      '{"a": 1, "a": 12345678901234567890}',
    );
    expect(encoded({ type: 'json', isJsonb: true }, '[]')).toEqual(Buffer.from('\u0001[]'));
    expect(encode({ type: 'json' }, "{'a': 1}")).toBe('NotJson');
    expect(encode({ type: 'json' }, '[1,]')).toBe('NotJson');
  });

  it.each([1, 39, 40, 41, 5000])('refuses a NUL byte in a text of %i characters', (length) => {
    const text = 'x'.repeat(length);

    expect(encode({ type: 'text' }, text)).toEqual(Buffer.from(text));
    expect(encode({ type: 'text' }, `${text.slice(1)}\0`)).toBe('NulByte');
  });
});

describe('NULL', () => {
  const isNull = (typing: Typing, text: string): boolean => {
    const bytes = Buffer.from(`.${text}.`);
    return nullTest({ name: 'c', ...typing })({ bytes, start: 1, end: bytes.length - 1 });
  };

  it('is an empty field of every type but text', () => {
    expect(isNull({ type: 'bigint' }, '')).toBe(true);
    expect(isNull({ type: 'bigint', nullValues: ['-1'] }, '')).toBe(true);
    expect(isNull({ type: 'text' }, '')).toBe(false);
    expect(isNull({ type: 'text', nullValues: [''] }, '')).toBe(true);
  });

  it('is a listed spelling, exactly', () => {
    const typing: Typing = { type: 'text', nullValues: ['NULL', 'n/a'] };

    expect(isNull(typing, 'NULL')).toBe(true);
    expect(isNull(typing, 'n/a')).toBe(true);
    expect(isNull(typing, 'null')).toBe(false);
    expect(isNull(typing, 'NULL ')).toBe(false);
  });
});
