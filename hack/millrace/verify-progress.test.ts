import { expect, it } from 'vitest';
import { ProgressBar } from './verify-progress.ts';

function screen(isTTY: boolean) {
  const said: string[] = [];
  const clock = { ms: 0 };
  const out = { isTTY, columns: 80, write: (text: string) => said.push(text) };
  const bar = new ProgressBar({ out: out as unknown as NodeJS.WriteStream, now: () => clock.ms });
  return { bar, said, clock };
}

const half = { phase: 'Reading', doneBytes: 50, bytes: 100, records: 1234 } as const;

it('redraws one line on a terminal, not more often than an eye follows, and removes it', () => {
  const { bar, said, clock } = screen(true);

  bar.show(half);
  clock.ms = 150;
  bar.show(half);
  bar.close();

  expect(said).toHaveLength(2);
  const drawn = '━'.repeat(12) + '╌'.repeat(12);
  expect(said[0]).toBe(`\r\x1b[2K${drawn}  50 %  1,234 records read again`);
  expect(said[1]).toBe('\r\x1b[2K');
});

it('says a line now and then elsewhere, and nothing about short recounts', () => {
  const { bar, said, clock } = screen(false);

  bar.show(half);
  bar.show({ ...half, phase: 'Comparing' });
  expect(said).toEqual([]);

  clock.ms = 6_000;
  bar.show(half);
  bar.show({ ...half, phase: 'Comparing', doneBytes: 100, records: 5_000_000 });
  bar.close();

  expect(said).toEqual([
    '50 %, 1,234 records read again\n',
    '100 %, 5,000,000 records read again; comparing them with the tables\n',
  ]);
});
