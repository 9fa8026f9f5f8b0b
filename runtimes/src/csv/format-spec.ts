/** Checks a user's format object, so that each mistake is told with its field and what is allowed. */

import { preambleLinesMax, type FormatSpec } from './dialect.ts';

const allowed: Record<keyof FormatSpec, readonly string[]> = {
  header: ['Auto', 'Present', 'Absent'],
  delimiter: ['Auto', 'Spaces', 'WideSpaces'],
  quote: ['Auto', '"', "'", 'None'],
  escape: ['Auto', 'Doubled', 'Backslash', 'None'],
  encoding: ['Auto', 'UTF-8', 'Windows-1252', 'UTF-16LE', 'UTF-16BE'],
  comment: [],
  preambleLines: [],
};

/** Fields that take a value of another kind beside the listed words, and what it is. */
const others: Partial<Record<string, readonly [string, (value: unknown) => boolean]>> = {
  delimiter: ['one character other than a line end', isCharacter],
  comment: ['one character other than a line end', isCharacter],
  preambleLines: [`a whole number from 0 to ${preambleLinesMax}`, isLineCount],
};

export type FormatCheck =
  | { readonly ok: true; readonly value: FormatSpec }
  | { readonly ok: false; readonly reason: string };

export function checkFormat(input: unknown): FormatCheck {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { ok: false, reason: 'format: must be a JSON object' };
  }
  for (const [field, value] of Object.entries(input)) {
    const reason = checkField(field, value);
    if (reason !== undefined) return { ok: false, reason };
  }
  const spec = input as FormatSpec;
  const reason = checkTogether(spec);
  return reason === undefined ? { ok: true, value: spec } : { ok: false, reason };
}

function isCharacter(value: unknown): boolean {
  return typeof value === 'string' && /^[^\p{Surrogate}\r\n]$/u.test(value);
}

function isLineCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= preambleLinesMax;
}

function checkField(field: string, value: unknown): string | undefined {
  if (!Object.hasOwn(allowed, field)) {
    return `format.${field}: unknown field; the fields are ${Object.keys(allowed).join(', ')}`;
  }
  const words = allowed[field as keyof FormatSpec];
  const other = others[field];
  if (typeof value === 'string' && words.includes(value)) return undefined;
  if (other?.[1](value) === true) return undefined;
  const choices = words.map((word) => JSON.stringify(word));
  if (other !== undefined) choices.push(other[0]);
  return `format.${field}: ${JSON.stringify(value)} is not allowed; use ${choices.join(' or ')}`;
}

/** One character cannot mean two things. */
function checkTogether(spec: FormatSpec): string | undefined {
  if (spec.delimiter !== undefined && spec.delimiter === spec.quote) {
    return 'format.delimiter: is the same character as format.quote; change one of them';
  }
  if (
    spec.comment !== undefined &&
    (spec.comment === spec.delimiter || spec.comment === spec.quote)
  ) {
    return 'format.comment: is also the delimiter or the quote; change one of them';
  }
  return undefined;
}
