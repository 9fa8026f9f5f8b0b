/**
 * Guesses the narrowest column type that holds every value seen, one value at a time, so that a
 * file of any size can be typed in one pass. A guess for people (`preview`); the import types by
 * what the spec says.
 */

export type ColumnType =
  | 'text'
  | 'integer'
  | 'bigint'
  | 'decimal'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'uuid'
  | 'json';

const integer = /^[-+]?(0|[1-9]\d{0,18})$/;
const decimal = /^[-+]?(\d+\.\d*|\.\d+|\d{1,400})([eE][-+]?\d{1,3})?$/;
const boolean = /^(true|false|t|f|yes|no)$/i;
const date = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const timestamp =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?( ?(Z|[-+]\d{2}:?\d{2}))?$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class ColumnGuess {
  #type: ColumnType | undefined;
  /** How many values were the empty string. */
  empty = 0;

  /** Text once nothing narrower fits; a column without values is text. */
  get type(): ColumnType {
    return this.#type ?? 'text';
  }

  /** True once no value can change the type any more. */
  get isSettled(): boolean {
    return this.#type === 'text';
  }

  add(text: string): void {
    if (text === '') {
      this.empty += 1;
      return;
    }
    if (this.isSettled) return;
    const type = typeOf(text);
    this.#type = this.#type === undefined ? type : widest(this.#type, type);
  }
}

const patterns: readonly (readonly [RegExp, ColumnType])[] = [
  [decimal, 'decimal'],
  [date, 'date'],
  [timestamp, 'timestamp'],
  [boolean, 'boolean'],
  [uuid, 'uuid'],
];

export function typeOf(text: string): ColumnType {
  const first = text.charCodeAt(0);
  if (first === 0x7b || first === 0x5b) return isJson(text) ? 'json' : 'text';
  if (text.length > 40) return text.length < 400 && decimal.test(text) ? 'decimal' : 'text';
  if (integer.test(text)) return integerType(text);
  if (hasLeadingZero(text)) return 'text';
  return patterns.find(([pattern]) => pattern.test(text))?.[1] ?? 'text';
}

/** `007` and `0815` are numbers to a computer and codes to their owner. */
function hasLeadingZero(text: string): boolean {
  return /^[-+]?0\d/.test(text) && !/^[-+]?0\d{3}-/.test(text);
}

function integerType(text: string): ColumnType {
  if (text.length <= 9) return 'integer';
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (BigInt.asIntN(32, value) === value) return 'integer';
  return BigInt.asIntN(64, value) === value ? 'bigint' : 'decimal';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const ladders: readonly (readonly ColumnType[])[] = [
  ['integer', 'bigint', 'decimal'],
  ['date', 'timestamp'],
];

function widest(left: ColumnType, right: ColumnType): ColumnType {
  if (left === right) return left;
  for (const ladder of ladders) {
    const [a, b] = [ladder.indexOf(left), ladder.indexOf(right)];
    if (a >= 0 && b >= 0) return ladder[Math.max(a, b)] ?? 'text';
  }
  return 'text';
}
