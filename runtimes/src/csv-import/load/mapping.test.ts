import { describe, expect, it } from 'vitest';
import { identifiersFor, resolveMapping, type Mapping, type MappingInput } from './mapping.ts';

function mapped(input: Partial<MappingInput> & { width: number }): Mapping {
  const result = resolveMapping({ key: [], ...input });
  if (!result.ok) throw new Error(result.message);
  return result.mapping;
}

function refused(input: Partial<MappingInput> & { width: number }) {
  const result = resolveMapping({ key: [], ...input });
  if (result.ok) throw new Error('was not refused');
  return result;
}

function places(mapping: Mapping) {
  return mapping.columns.map(({ name, index }) => [name, index]);
}

describe('the mapping of columns', () => {
  it('finds columns by their own name, by header name and by position, and lists the rest', () => {
    const mapping = mapped({
      header: ['id', 'First Name', 'x', 'y'],
      width: 4,
      columns: [
        { name: 'first', from: 'First Name', type: 'text' },
        { name: 'id', type: 'bigint' },
        { name: 'other', from: 3, type: 'text' },
      ],
    });

    expect(places(mapping)).toEqual([
      ['first', 1],
      ['id', 0],
      ['other', 3],
    ]);
    expect(mapping.ignored).toEqual(['x']);
  });

  it('reads a number as a header name first and as a position otherwise', () => {
    const columns = [{ name: 'a', from: '1', type: 'text' }] as const;

    expect(places(mapped({ header: ['1', 'z'], width: 2, columns }))).toEqual([['a', 0]]);
    expect(places(mapped({ header: ['y', 'z'], width: 2, columns }))).toEqual([['a', 1]]);
  });

  it('maps a file without a header by position, in order if none is given', () => {
    const byPosition = mapped({ width: 3, columns: [{ name: 'c', from: 2, type: 'text' }] });
    const inOrder = mapped({
      width: 2,
      columns: [
        { name: 'a', type: 'text' },
        { name: 'b', type: 'text' },
      ],
    });

    expect(places(byPosition)).toEqual([['c', 2]]);
    expect(byPosition.ignored).toEqual(['0', '1']);
    expect(places(inOrder)).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  it.each([
    [
      'a name that the header lacks',
      { header: ['a'], width: 1, columns: [{ name: 'b', type: 'text' }] },
    ],
    ['a position beyond the width', { width: 1, columns: [{ name: 'b', from: 1, type: 'text' }] }],
    ['a name without a header', { width: 3, columns: [{ name: 'b', type: 'text' }] }],
    ['a key that no header gives', { header: ['a'], width: 1, key: ['b'] }],
  ] as const)('refuses %s as a missing column', (_, input) => {
    expect(refused(input)).toMatchObject({
      reason: 'MissingColumn',
      message: expect.stringMatching(/\bb\b/),
    });
  });

  it('refuses a duplicate header name only when a column refers to it', () => {
    const header = ['id', 'a', 'a'];

    expect(refused({ header, width: 3, columns: [{ name: 'a', type: 'text' }] })).toMatchObject({
      reason: 'AmbiguousColumn',
      message: expect.stringContaining('1, 2'),
    });
    expect(mapped({ header, width: 3, columns: [{ name: 'id', type: 'text' }] }).ignored).toEqual([
      'a',
      'a',
    ]);
  });

  it('tells columns of the file by number and position where one is sealed', () => {
    const header = ['id', 'ada@example.com', 'x', 'x'];
    const id = { name: 'id', type: 'text', sealed: true } as const;
    const at = (from: string) => ({ header, width: 4, columns: [id, { ...id, name: 'b', from }] });

    expect(mapped({ header, width: 4, columns: [id] }).ignored).toEqual(['1', '2', '3']);
    expect(refused(at('mail')).message).toBe(
      'The file lacks b ("mail"). Its header has 4 columns, whose names are not told because one is sealed: correct from, or the name of the column.',
    );
    expect(refused(at('x')).message).toContain('(2, 3)');
    expect(refused(at('x')).message).not.toContain('example.com');
  });

  it('names the columns of a file where none is sealed', () => {
    const header = ['id', 'x'];
    const columns = [{ name: 'mail', type: 'text', sealed: false }] as const;

    expect(refused({ header, width: 2, columns }).message).toBe(
      'The file lacks mail ("mail"). The file has "id", "x": correct from, or the name of the column.',
    );
  });

  it('refuses a key of a type that has no equality', () => {
    expect(
      refused({ header: ['a'], width: 1, columns: [{ name: 'a', type: 'json' }], key: ['a'] })
        .reason,
    ).toBe('BadKey');
  });

  it('refuses a format that is none before a row is read', () => {
    const columns = [{ name: 'a', type: 'date', format: 'DD.MM.YYYY' }] as const;

    expect(refused({ header: ['a'], width: 1, columns }).reason).toBe('BadFormat');
  });

  it('loads every header column as text when no columns are listed', () => {
    const mapping = mapped({ header: ['Id', ''], width: 2, key: ['id'] });

    expect(mapping.columns).toEqual([
      { name: 'id', index: 0, type: 'text' },
      { name: 'column_1', index: 1, type: 'text' },
    ]);
  });

  it('refuses an empty file and a file wider than a table', () => {
    expect(refused({ width: 0 }).reason).toBe('NoColumns');
    expect(refused({ width: 1600 }).reason).toBe('NoColumns');
  });
});

describe('identifiers from header names', () => {
  it.each([
    ['user_id', 'user_id'],
    ['User Id', 'user_id'],
    ['Größe (cm)', 'gro_e_cm'],
    ['Café', 'cafe'],
    ['2024', 'c_2024'],
    ['名前', 'column_0'],
    ['"; DROP TABLE x; --', 'drop_table_x'],
    ['_millrace_pos', 'millrace_pos'],
    ['xmin', 'c_xmin'],
    ['x'.repeat(100), 'x'.repeat(57)],
  ])('turns %s into %s', (name, identifier) => {
    expect(identifiersFor([name])).toEqual([identifier]);
  });

  it('numbers names that come out alike, without ever giving two columns one name', () => {
    expect(identifiersFor(['a', 'A', 'a_2', 'a', ''])).toEqual([
      'a',
      'a_2',
      'a_2_2',
      'a_3',
      'column_4',
    ]);
  });
});
