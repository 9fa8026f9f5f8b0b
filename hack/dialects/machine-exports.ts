/**
 * Files in the style of what machines write: logs, devices, databases, commands. Made of a seed, like
 * those in `exports.ts`.
 */
import type { Random } from '@millrace/runtimes/csv/test/tables';
import { above, draftOf, type Draft } from './draft.ts';
import { clockTime, decimal, isoDate, pad, people, phrase, times } from './words.ts';

export function accessLog(random: Random): Draft {
  const rows = times(10 + random.below(50), () => [
    `10.0.${random.below(255)}.${random.below(255)}`,
    '-',
    random.pick(['-', 'ann', 'bob']),
    `[${pad(1 + random.below(28))}/Mar/2024:${clockTime(random)}`,
    '+0100]',
    `GET /${random.pick(['a', 'b/c', 'img.png'])}?q=${random.below(99)} HTTP/1.1`,
    random.pick(['200', '304', '404']),
    String(random.below(99_999)),
    '-',
    'Mozilla/5.0 (X11; Linux x86_64)',
  ]);
  return draftOf(random, { header: null, rows }, { delimiter: ' ' });
}

export function eventLog(random: Random): Draft {
  const header = random.chance(0.6) ? ['timestamp', 'level', 'thread', 'message'] : null;
  const rows = times(10 + random.below(50), () => [
    `${isoDate(random)}T${clockTime(random)}.${pad(random.below(1000), 3)}Z`,
    random.pick(['INFO', 'WARN', 'ERROR']),
    `pool-${random.below(9)}`,
    random.chance(0.2)
      ? `failed:\n  at f (x.ts:${random.below(99)})`
      : `took ${random.below(999)} ms, ${phrase(random)}`,
  ]);
  return draftOf(random, { header, rows }, { delimiter: random.pick([',', '|', '\t', ';']) });
}

export function device(random: Random): Draft {
  const channels = times(
    2 + random.below(5),
    (index) => `ch${index + 1} [${random.pick(['V', 'mA', '°C'])}]`,
  );
  const header = ['time [s]', ...channels];
  const rows = times(20 + random.below(60), (row) => [
    (row * 0.5).toFixed(1),
    ...channels.map(() => (random.next() * 5 - 2).toFixed(4)),
  ]);
  const draft = draftOf(random, { header, rows }, { delimiter: random.pick([',', '\t', ';']) });
  const sign = random.pick(['# ', '', '%', '// ']);
  const intro = [
    `${sign}Device: L-200`,
    `${sign}Serial: 00${random.below(9999)}`,
    `${sign}Started: ${isoDate(random)} ${clockTime(random)}`,
    `${sign}Rate: 2 Hz`,
    `${sign}Operator: Ann`,
  ].slice(0, 1 + random.below(5));
  const gap = sign === '' && random.chance(0.5) ? [''] : [];
  return { ...draft, lines: [...above([...intro, ...gap]), ...draft.lines] };
}

export function databaseDump(random: Random): Draft {
  const header = random.chance(0.7)
    ? ['id', 'created_at', 'owner', 'payload', 'path', 'flags']
    : null;
  const rows = times(8 + random.below(40), (row) => [
    String(row + 1),
    `${isoDate(random)} ${clockTime(random)}`,
    random.pick(people),
    `{"n": ${random.below(9)}, "s": "a;b"}`,
    `C:\\data\\f${random.below(99)}.txt`,
    random.pick(['t', 'f']),
  ]);
  return draftOf(
    random,
    { header, rows },
    { escape: 'Backslash', quoting: 'all', delimiter: random.pick([',', ';', '\t']) },
  );
}

export function copyText(random: Random): Draft {
  const header = random.chance(0.5) ? ['id', 'name', 'email', 'joined', 'score'] : null;
  const rows = times(8 + random.below(40), (row) => [
    String(row + 1),
    random.pick(people),
    `u${row}@example.com`,
    isoDate(random),
    random.chance(0.3) ? '\\N' : decimal(random),
  ]);
  return draftOf(random, { header, rows }, { delimiter: '\t', quote: '' });
}

export function accounts(random: Random): Draft {
  const rows = times(6 + random.below(30), (row) => [
    `user${row}`,
    'x',
    String(1000 + row),
    String(100 + random.below(9)),
    random.pick(people),
    `/home/user${row}`,
    random.pick(['/bin/sh', '/bin/bash', '/bin/false']),
  ]);
  return draftOf(random, { header: null, rows }, { delimiter: ':', quote: '' });
}

export function aligned(random: Random): Draft {
  const header = ['PID', 'USER', 'CPU', 'MEM', 'START', 'COMMAND'];
  const rows = times(6 + random.below(30), () => [
    String(random.below(99_999)),
    random.pick(['root', 'ann', 'daemon']),
    (random.next() * 99).toFixed(1),
    String(random.below(9_999_999)),
    clockTime(random).slice(0, 5),
    random.pick(['/usr/bin/node', 'sshd', '[kworker]', '/sbin/init']),
  ]);
  const hasHeader = random.chance(0.85);
  const draft = draftOf(
    random,
    { header: hasHeader ? header : null, rows },
    { delimiter: ' ', quote: '' },
  );
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isRight = random.chance(0.5);
  const lines = draft.lines.map((line) => {
    const cells = line.row.map((cell, column) => {
      const isLast = column === header.length - 1;
      const width = widths[column] ?? 0;
      if (isRight && column % 2 === 0 && !isLast) return cell.padStart(width);
      return isLast ? cell : cell.padEnd(width);
    });
    return { ...line, text: cells.join(random.chance(0.5) ? '  ' : '   ') };
  });
  return { ...draft, lines };
}

export function matrix(random: Random): Draft {
  const width = 3 + random.below(8);
  const rows = times(8 + random.below(60), () =>
    times(width, () => (random.next() * 20 - 4).toFixed(random.pick([1, 1, 3]))),
  );
  return draftOf(
    random,
    { header: null, rows },
    { delimiter: random.pick([',', ' ', ';', '\t']), quote: '' },
  );
}
