import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../http/request-error.ts';
import {
  batchBytesMax,
  itemsMax,
  parseIncrement,
  parseIncrements,
  singleBytesMax,
} from './parse.ts';
import { itemBytes } from './scan.ts';
import { uuidText } from './uuid.ts';

const key = '0b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c40';
const valueMax = 2n ** 63n - 1n;

interface Increment {
  readonly key: string;
  readonly value: bigint;
}

function decode(items: Buffer): readonly Increment[] {
  const count = items.length / itemBytes;
  return Array.from({ length: count }, (_, index) => ({
    key: uuidText(items, index * itemBytes),
    value: items.readBigInt64BE(index * itemBytes + 16),
  }));
}

/** What the parser says of a body: the increments, or the refusal; anything else fails the test. */
function outcome(parse: () => Buffer): readonly Increment[] | { code: string; message: string } {
  try {
    return decode(parse());
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { code: error.code, message: error.message };
  }
}

const single = (text: string | Buffer) => outcome(() => parseIncrement(Buffer.from(text)));
const batch = (text: string | Buffer, type?: string) =>
  outcome(() => parseIncrements(Buffer.from(text), type));

/** What JSON.parse and the rules of the page say of a text; the judge of the parser. */
function judge(text: string): readonly Increment[] | undefined {
  const members: Member[] = [];
  let root: unknown;
  try {
    root = JSON.parse(text, (name, value: unknown, { source }: { source?: string } = {}) => {
      if (name !== '') members.push({ name, value, source: source ?? '' });
      return value;
    });
  } catch {
    return undefined;
  }
  // JSON.parse keeps the last of two equal names and does not say so; no value here has a colon.
  const isPlain = text.split(':').length === 3 && /^\s*\{/.test(text) && typeof root === 'object';
  const [first, second, ...more] = members.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (!isPlain || first?.name !== 'key' || second?.name !== 'value' || more.length > 0) {
    return undefined;
  }
  return isKey(first.value) && isValue(second)
    ? [{ key: first.value.toLowerCase(), value: BigInt(second.source) }]
    : undefined;
}

interface Member {
  readonly name: string;
  readonly value: unknown;
  /** The text it was read from. */
  readonly source: string;
}

function isKey(value: unknown): value is string {
  const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  return typeof value === 'string' && form.test(value) && !/^[0-]+$/.test(value);
}

function isValue({ value, source }: Member): boolean {
  return typeof value === 'number' && /^[1-9][0-9]*$/.test(source) && BigInt(source) <= valueMax;
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });
const keyText = fc.oneof(
  { weight: 6, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.uuid().map((it) => it.toUpperCase()) },
  fc.constantFrom('', '00000000-0000-0000-0000-000000000000', `{${key}}`, `urn:uuid:${key}`),
  fc.string(),
);
/** A JSON string, sometimes with a character as an escape. */
const jsonString = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.nat()).map(([it, at]) => {
    const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    const place = it.length === 0 ? 0 : at % (it.length * 2);
    const char = it[place];
    return char === undefined || !/[\w-]/.test(char)
      ? JSON.stringify(it)
      : `"${it.slice(0, place)}${escaped(char)}${it.slice(place + 1)}"`;
  });
const valueText = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: valueMax }).map(String) },
  fc.bigInt().map(String),
  fc.double().map(String),
  fc.constantFrom('1.0', '1e3', '01', '"1"', 'null', 'true', '[1]', '{}', 'NaN', '', '+1', '1x'),
);
const member = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(jsonString(fc.constant('key')), jsonString(keyText)) },
  { weight: 5, arbitrary: fc.tuple(jsonString(fc.constant('value')), valueText) },
  fc.tuple(jsonString(fc.constantFrom('KEY', 'Value', 'kéy', '__proto__')), valueText),
);
const objectText = fc
  .tuple(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.tuple(
          fc.tuple(jsonString(fc.constant('key')), jsonString(keyText)),
          fc.tuple(jsonString(fc.constant('value')), valueText),
        ),
      },
      fc.array(member, { maxLength: 3 }),
    ),
    fc.boolean(),
    fc.array(space, { minLength: 12, maxLength: 12 }),
  )
  .map(([members, swapped, spaces]) => {
    const ordered = swapped ? members.toReversed() : members;
    const texts = ordered.map(
      ([name, value], at) =>
        `${spaces[at]}${name}${spaces[at + 3]}:${spaces[at + 6]}${value}${spaces[at + 9]}`,
    );
    return `${spaces[0]}{${texts.join(',')}}${spaces[1]}`;
  });
const damage = '{ } [ ] " , : \\ 0 e . - a \u0000 é'.split(' ');
/** A text with one byte put in, taken out or changed. */
const damagedText = fc
  .tuple(objectText, fc.nat(), fc.constantFrom(...damage), fc.nat(3))
  .map(([text, at, char, how]) => {
    const place = at % (text.length + 1);
    return how === 0
      ? text
      : text.slice(0, place) + (how === 1 ? '' : char) + text.slice(place + (how === 3 ? 0 : 1));
  });

describe('one increment', () => {
  it.each([
    ['compact', `{"key":"${key}","value":7}`],
    ['with space everywhere', `\r\n{ "key" :\t"${key}" , "value" : 7 }\n`],
    ['the value first', `{"value":7,"key":"${key}"}`],
    ['upper case', `{"key":"${key.toUpperCase()}","value":7}`],
    ['escapes in names', `{"\\u006bey":"${key}","v\\u0061lue":7}`],
    ['escapes in the key', `{"key":"\\u0030${key.slice(1)}","value":7}`],
  ])('is read: %s', (_, text) => {
    expect(single(text)).toEqual([{ key, value: 7n }]);
  });

  it.each([
    1n,
    2n ** 32n - 1n,
    2n ** 32n,
    999_999_999_999_999n,
    1_000_000_000_000_000n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    10n ** 18n,
    valueMax,
  ])('keeps the value %s exactly', (value) => {
    expect(single(`{"key":"${key}","value":${value}}`)).toEqual([{ key, value }]);
  });

  it.each([
    'NaN',
    'Infinity',
    '1.0',
    '1e3',
    '1E3',
    '"1"',
    '-1',
    '-0',
    '0',
    '01',
    '+1',
    '1x',
    '9223372036854775808',
    '99999999999999999999',
    '1'.repeat(400),
    'null',
    'true',
    '[]',
    '[1]',
    '{}',
    '['.repeat(3_000),
  ])('refuses the value %s', (value) => {
    expect(single(`{"key":"${key}","value":${value}}`)).toEqual({
      code: 'BadValue',
      message: "missing or invalid 'value'",
    });
  });

  it.each([
    `"{${key}}"`,
    `"urn:uuid:${key}"`,
    `"${key.replaceAll('-', '')}"`,
    '"00000000-0000-0000-0000-000000000000"',
    `"${key} "`,
    `"${key.slice(1)}"`,
    `"${key.replace('b', 'g')}"`,
    `"${key.replace('-', 'a')}"`,
    `"${key.slice(0, 35)}é"`,
    '""',
    '1',
    'null',
    `["${key}"]`,
    '"\\ud800"',
    `"${'a'.repeat(3_000)}"`,
  ])('refuses the key %s', (text) => {
    expect(single(`{"key":${text},"value":1}`)).toEqual({
      code: 'BadKey',
      message: "missing or invalid 'key'",
    });
  });

  it.each([
    ['', 'BadJson'],
    [' ', 'BadJson'],
    ['{}', 'BadKey'],
    [`{"value":1}`, 'BadKey'],
    [`{"key":"${key}"}`, 'BadValue'],
    [`[{"key":"${key}","value":1}]`, 'BadJson'],
    ['null', 'BadJson'],
    ['1', 'BadJson'],
    [`{"key":"${key}","value":1}{"key":"${key}","value":1}`, 'BadJson'],
    [`{"key":"${key}","value":1} x`, 'BadJson'],
    [`{"key":"${key}","value":1,}`, 'BadJson'],
    [`{,"key":"${key}","value":1}`, 'BadJson'],
    [`{"key":"${key}" "value":1}`, 'BadJson'],
    [`{"key":"${key}","value":1`, 'BadValue'],
    [`{"key":"${key}","value":1 `, 'BadJson'],
    [`{"key":"${key}","value":1 ]`, 'BadJson'],
    [`{'key':"${key}","value":1}`, 'BadJson'],
    [`{key:"${key}","value":1}`, 'BadJson'],
    [`{"key""${key}","value":1}`, 'BadJson'],
    [`{"key":"${key}","value":1/**/}`, 'BadValue'],
    [`{"KEY":"${key}","value":1}`, 'UnknownField'],
    [`{"key":"${key}","value":1,"extra":1}`, 'UnknownField'],
    [`{"__proto__":{},"key":"${key}","value":1}`, 'UnknownField'],
    [`{"key":"${key}","key":"${key}","value":1}`, 'DuplicateField'],
    [`{"key":"${key}","value":1,"value":1}`, 'DuplicateField'],
    [`{"key":"${key}","\\u006bey":"${key}","value":1}`, 'DuplicateField'],
    [`\ufeff{"key":"${key}","value":1}`, 'BadJson'],
    [`{"k\\xey":1}`, 'BadJson'],
    [`{"k\u0001y":1}`, 'BadJson'],
  ])('refuses %s with %s', (text, code) => {
    expect(single(text)).toMatchObject({ code });
  });

  it('names the field that nobody knows, without its value', () => {
    expect(single(`{"KEY":"${key}","value":1}`)).toEqual({
      code: 'UnknownField',
      message: `unknown field "KEY"; the fields are 'key' and 'value'`,
    });
  });

  it('refuses what is not UTF-8', () => {
    const text = Buffer.from(`{"k\u00ffy":1}`, 'latin1');

    expect(single(text)).toMatchObject({ code: 'BadJson' });
  });

  it('refuses a body over the limit, and takes one at the limit', () => {
    const text = `{"key":"${key}","value":1}`;

    expect(single(text.padEnd(singleBytesMax))).toEqual([{ key, value: 1n }]);
    expect(single(text.padEnd(singleBytesMax + 1))).toMatchObject({ code: 'BodyTooLarge' });
  });

  it('takes exactly what JSON.parse and the rules take', () => {
    let taken = 0;
    fc.assert(
      fc.property(damagedText, (text) => {
        const expected = judge(text);
        const found = single(text);

        if (expected === undefined) expect(found).toHaveProperty('code');
        else expect(found).toEqual(expected);
        taken += expected === undefined ? 0 : 1;
      }),
      { numRuns: 5_000 },
    );
    // A property over refusals alone would prove nothing.
    expect(taken).toBeGreaterThan(500);
  });

  it('answers any bytes with an increment or a refusal', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      damagedText.map((it) => Buffer.from(it)),
    );
    fc.assert(
      fc.property(bytes, (it) => {
        expect(single(Buffer.from(it))).toBeDefined();
        expect(batch(Buffer.from(it))).toBeDefined();
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a batch', () => {
  const line = (value: bigint | number) => `{"key":"${key}","value":${value}}`;

  it.each([
    ['an array', `[${line(1)},${line(2)}]`, undefined],
    ['an array with space', ` [ ${line(1)} ,\n ${line(2)} ] `, 'application/json'],
    ['lines', `${line(1)}\n${line(2)}\n`, undefined],
    ['lines that end as on Windows, some empty', `\r\n${line(1)}\r\n\r\n${line(2)}`, undefined],
    ['lines by content type', `${line(1)}\n${line(2)}`, 'application/x-ndjson; charset=utf-8'],
  ])('is read from %s', (_, text, type) => {
    expect(batch(text, type)).toEqual([
      { key, value: 1n },
      { key, value: 2n },
    ]);
  });

  it.each([
    [`[${line(1)},${line(0)}]`, 'BadValue', "item 1: missing or invalid 'value'"],
    [`${line(1)}\n{"value":1}`, 'BadKey', "item 1: missing or invalid 'key'"],
    [`[${line(1)},7]`, 'BadJson', 'item 1: a JSON object is expected'],
    [`[${line(1)},]`, 'BadJson', 'item 1: a JSON object is expected'],
    [`[[${line(1)}]]`, 'BadJson', 'item 0: a JSON object is expected'],
    [`${line(1)}${line(1)}`, 'BadJson', 'item 1: a line feed is expected before it'],
    [`${line(1)} ${line(1)}`, 'BadJson', 'item 1: a line feed is expected before it'],
    [`${line(1)},\n${line(1)}`, 'BadJson', 'item 1: a line feed is expected before it'],
    [
      `[${line(1)}\n${line(1)}]`,
      'BadJson',
      'item 1: a comma or the end of the array is expected before it',
    ],
    [`[${line(1)}`, 'BadJson', 'item 1: a comma or the end of the array is expected before it'],
    [`[${line(1)}] 1`, 'BadJson', 'nothing may follow the JSON value'],
    ['[]', 'NoItems', 'the body holds no item'],
    ['', 'NoItems', 'the body holds no item'],
    ['\n\n', 'NoItems', 'the body holds no item'],
    ['null', 'BadJson', 'item 0: a JSON object is expected'],
  ])('is refused as a whole: %s', (text, code, message) => {
    expect(batch(text)).toEqual({ code, message });
  });

  it('refuses an array that is announced as lines', () => {
    expect(batch(`[${line(1)}]`, 'application/x-ndjson')).toMatchObject({ code: 'BadJson' });
  });

  it('takes the most items, and not one more', () => {
    const most = Array.from({ length: itemsMax }, (_, index) => line(index + 1));

    expect(batch(`[${most.join(',')}]`)).toHaveLength(itemsMax);
    expect(batch(most.join('\n'))).toHaveLength(itemsMax);
    expect(batch(`[${[...most, line(1)].join(',')}]`)).toEqual({
      code: 'TooManyItems',
      message: `item ${itemsMax}: at most ${itemsMax} items are taken in one request`,
    });
    expect(batch([...most, line(1)].join('\n'))).toMatchObject({ code: 'TooManyItems' });
  });

  it('refuses a body over the limit, and reads a megabyte of space', () => {
    expect(batch(line(1).padEnd(1024 * 1024))).toEqual([{ key, value: 1n }]);
    expect(batch(line(1).padEnd(batchBytesMax + 1))).toMatchObject({ code: 'BodyTooLarge' });
  });

  it('gives back every increment in its order, written in either form', () => {
    const increments = fc.array(
      fc.record({ key: fc.uuid(), value: fc.bigInt({ min: 1n, max: valueMax }) }),
      { minLength: 1, maxLength: 50 },
    );
    fc.assert(
      fc.property(increments, (them) => {
        const lines = them.map((it) => `{"key":"${it.key}","value":${it.value}}`);

        expect(batch(lines.join('\n'))).toEqual(them);
        expect(batch(`[${lines.join(',')}]`)).toEqual(them);
      }),
    );
  });
});
