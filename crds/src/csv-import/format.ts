/** The file's dialect. `Auto` is decided by reading the file; every field can be fixed. */
import { Type, type Static } from 'typebox';
import { Enum, object, rule } from '../schema.ts';

export const format = rule(
  object(
    {
      header: Type.Optional(
        Enum(['Auto', 'Present', 'Absent'], {
          description: 'Whether the first record names the columns.',
        }),
      ),
      delimiter: Type.Optional(
        Type.String({
          pattern: '^(Auto|Spaces|WideSpaces|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$',
          maxLength: 10,
          description:
            'Auto, or the one character between fields, such as , ; | or a tab (no letter, digit, quote or backslash), or Spaces (a run of one or more) or WideSpaces (of two or more).',
        }),
      ),
      quote: Type.Optional(
        Enum(['Auto', '"', "'", 'None'], { description: 'The character around quoted fields.' }),
      ),
      escape: Type.Optional(
        Enum(['Auto', 'Doubled', 'Backslash', 'None'], {
          description: 'How a quote inside a quoted field is written.',
        }),
      ),
      encoding: Type.Optional(
        Enum(['Auto', 'UTF-8', 'Windows-1252', 'UTF-16LE', 'UTF-16BE'], {
          description: 'How characters are written as bytes.',
        }),
      ),
      comment: Type.Optional(
        Type.String({
          pattern: '^[^A-Za-z0-9"\'\\s\\x00]$',
          maxLength: 1,
          description:
            'Lines starting with this one character are skipped and counted; no letter, digit, quote or blank.',
        }),
      ),
      preambleLines: Type.Optional(
        Type.Integer({
          format: 'int32',
          minimum: 0,
          maximum: 1000,
          description:
            'How many lines come before the header, or before the data without one; they are skipped. Found by reading the file if left out.',
        }),
      ),
    },
    { description: 'The dialect of the file; every field left out is found by reading the file.' },
  ),
  '!has(self.comment) || !has(self.delimiter) || self.comment != self.delimiter',
  { message: 'comment must be another character than delimiter', fieldPath: '.comment' },
);
export type FormatSpec = Static<typeof format>;
