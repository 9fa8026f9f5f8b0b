/**
 * What a cell looks like to a person: the sniffer's evidence that a file was cut at the right
 * places. Broad on purpose (currencies, decimal commas, local dates); typing for import is stricter
 * and lives in `column-type.ts`.
 */

import { typeOf } from './column-type.ts';

export type Shape = 'empty' | 'number' | 'date' | 'code' | 'word' | 'text' | 'odd';

const number =
  /^[-+(]?[$€£¥]? ?[-+]?(\d+|\d{1,3}([,.' \u00a0]\d{3})+)?([.,]\d+)?([eE][-+]?\d{1,3})?\)? ?[%$€£¥]?$/;
const date =
  /^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[- ][A-Za-z]{3,9}[- ,]+(\d{4}|\d{2})|[A-Za-z]{3,9} \d{1,2},? \d{4})([T ,]+\d{1,2}:\d{2}[\d:.,]*( ?([AaPp]\.?[Mm]\.?|Z|UTC|GMT))?( ?[-+]\d{2}:?\d{2})?)?$/;
const time = /^\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?$/;
const code =
  /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w.+-]+@[\w-]+(\.[\w-]+)+|(https?|ftp|s3):\/\/\S+|\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{2}([:-][0-9a-f]{2}){5}|#?[0-9A-Fa-f]{6,64})$/i;
const word = /^[\p{L}\p{N}_.#@/&+-]+$/u;
const hasLetters = /[\p{L}\p{N}]/u;

/** Longer cells are text, whatever they contain; the patterns need not run over a megabyte. */
const shapedCharacters = 400;

export function shapeOf(text: string): Shape {
  if (text === '') return 'empty';
  if (text.length > shapedCharacters) return 'text';
  if (text.length < 40) {
    if (isNumber(text)) return 'number';
    if (date.test(text) || time.test(text)) return 'date';
  }
  if (code.test(text) || isJson(text)) return 'code';
  if (word.test(text)) return 'word';
  return hasLetters.test(text) ? 'text' : 'odd';
}

function isJson(text: string): boolean {
  return /^\{\s*"[^]*\}$|^\[[^]*\]$/.test(text) && typeOf(text) === 'json';
}

function isNumber(text: string): boolean {
  const first = text.charCodeAt(0);
  const mayBeNumber = first < 0x3a || first === 0x20ac || first === 0xa3 || first === 0xa5;
  return mayBeNumber && /\d/.test(text) && number.test(text);
}

const worth: Record<Shape, number> = {
  empty: 0.75,
  number: 1,
  date: 1,
  code: 1,
  word: 0.9,
  text: 0.8,
  odd: 0.4,
};

/** Signs that a cell is only a part of a value, or more than one, and what each leaves of its worth. */
const doubts: readonly (readonly [RegExp, number])[] = [
  [/\t/, 0.3],
  [/;/, 0.5],
  [/\|/, 0.65],
  [/,(?! |\d{3})/, 0.7],
  [/^["']|["']$/, 0.4],
  [/ "[^"]*" /, 0.7],
  [/^[-+]?\d+\.\d+(e[-+]?\d+)?( [-+]?\d+\.\d+(e[-+]?\d+)?)+$/i, 0.5],
  [/^[{[][^\]}]*$|^[^{[]*[\]}]$/, 0.4],
];

/** What asks a server may hold any mark. */
const address = /^https?:\/\/\S+$/i;

/** What is left of a cell's worth if spaces surround it. */
const surrounded = 0.88;

/** How much an unquoted cell looks like a whole value, 0 to 1. */
export function cellWorth(cell: string): number {
  const text = cell.trim();
  if (text.length < cell.length && text !== '') return surrounded * cellWorth(text);
  const shape = shapeOf(text);
  const isDoubtful = shape === 'text' || shape === 'odd' || (shape === 'code' && text[0] !== '{');
  if (!isDoubtful) return worth[shape];
  let value = worth[shape];
  const telling = address.test(text) ? text.replace(/\?\S*$/, '') : text;
  for (const [sign, rest] of doubts) if (sign.test(telling)) value *= rest;
  return value;
}
