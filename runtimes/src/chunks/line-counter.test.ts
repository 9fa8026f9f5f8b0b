import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standardDialect } from '../csv/dialect.ts';
import { encodeText } from '../csv/encoding.ts';
import { unitsOf } from '../csv/units.ts';
import { LineCounter } from './line-counter.ts';

/** Slow and plain: LF, CR and CRLF each end a line. */
function lineAt(text: string, offset = text.length): number {
  return text.slice(0, offset).split(/\r\n|\n|\r/).length;
}

const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\r\n'), maxLength: 300 });

describe('line numbers', () => {
  it('are those of the whole text, wherever it is cut into buffers', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.nat(300)),
        fc.array(fc.nat(300)),
        async (it, cuts, ats) => {
          const bytes = Buffer.from(it);
          const counter = new LineCounter({ offset: 0, line: 1 });
          const ends = cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b);
          for (const [index, end] of [...ends, bytes.length].entries()) {
            counter.feed(bytes.subarray(ends[index - 1] ?? 0, end));
          }
          const read = ({ offset, length }: { offset: number; length: number }): Promise<Buffer> =>
            Promise.resolve(bytes.subarray(offset, offset + length));
          // A chunk never ends between CR and LF.
          const places = ats
            .filter((at) => at <= bytes.length && it.slice(at - 1, at + 1) !== '\r\n')
            .toSorted((a, b) => a - b);

          for (const at of places) expect(await counter.lineAt(at, read)).toBe(lineAt(it, at));
        },
      ),
    );
  });

  it('are those of the text in UTF-16, in which bytes look like line ends that are none', async () => {
    const parts = fc.array(fc.constantFrom('a', '\n', '\r\n', '\r', 'Ċ', 'ഊ', '਍'), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(parts, fc.array(fc.nat(130)), async (texts, cuts) => {
        for (const encoding of ['UTF-16LE', 'UTF-16BE'] as const) {
          const written = texts.map((text) => encodeText(text, encoding) ?? Buffer.alloc(0));
          const bytes = Buffer.concat([...written, Buffer.from([0x0a])]);
          const counter = new LineCounter(
            { offset: 2, line: 1 },
            unitsOf({ ...standardDialect, encoding }),
          );
          const ends = cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b);
          for (const [index, end] of [...ends, bytes.length].entries()) {
            counter.feed(bytes.subarray(ends[index - 1] ?? 0, end));
          }
          const read = ({ offset, length }: { offset: number; length: number }): Promise<Buffer> =>
            Promise.resolve(bytes.subarray(offset - 2, offset - 2 + length));

          expect(await counter.lineAt(2 + bytes.length, read)).toBe(lineAt(texts.join('')));
        }
      }),
    );
  });

  it('need at most one block to be read again', async () => {
    const bytes = Buffer.alloc(1_000_000, 'x\n');
    const counter = new LineCounter({ offset: 10, line: 6 });
    counter.feed(bytes);
    let readBytes = 0;

    const line = await counter.lineAt(10 + 999_998, ({ offset, length }) => {
      readBytes += length;
      return Promise.resolve(bytes.subarray(offset - 10, offset - 10 + length));
    });

    expect(line).toBe(6 + 499_999);
    expect(readBytes).toBeLessThanOrEqual(65_536);
  });
});
