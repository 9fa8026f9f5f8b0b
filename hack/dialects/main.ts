/**
 * `npm run bench -- csv-dialects`: reads a generated collection and prints what share of it was read
 * as a careful person would, a line a kind.
 */
import { parseArgs } from 'node:util';
import { collected, kinds, type Kind } from './collection.ts';
import { scoreOf, type Score } from './score.ts';

const usage = `Usage: npm run bench -- csv-dialects [--files 40] [--from 1] [--kind <part of a name>] [--failures]

  --files     files of each kind (40)
  --from      the first seed (1): other seeds are other files
  --kind      only kinds whose name holds this
  --failures  the seeds that were not read exactly`;

export async function benchOfDialects(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      files: { type: 'string', default: '40' },
      from: { type: 'string', default: '1' },
      kind: { type: 'string', default: '' },
      failures: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [files, from] = [Number(values.files), Number(values.from)];
  const all: Score[] = [];
  console.log(heading);
  for (const kind of kinds.filter(({ name }) => name.includes(values.kind))) {
    const scores: Score[] = [];
    for (let seed = from; seed < from + files; seed += 1) {
      scores.push(await scoreOf(collected(kind, seed)));
    }
    all.push(...scores);
    console.log(tableRow(kind, scores));
    const failed = scores.flatMap(({ exact }, index) => (exact ? [] : [from + index]));
    if (values.failures && failed.length > 0) console.log(`    seeds ${failed.join(' ')}`);
  }
  console.log(tableRow({ family: 'all', name: 'all' }, all));
  console.log(sureness(all));
  return 0;
}

const heading = `| family | kind | files | exact | delimiter | preamble | header | records F1 | cells F1 |
|---|---|---:|---:|---:|---:|---:|---:|---:|`;

function tableRow(
  { family, name }: Omit<Kind, 'family'> & { family: string },
  scores: readonly Score[],
): string {
  const share = (of: (score: Score) => number | boolean): string => {
    const sum = scores.reduce((total, score) => total + Number(of(score)), 0);
    return ((100 * sum) / Math.max(1, scores.length)).toFixed(1);
  };
  const cells = [
    share((score) => score.exact),
    share((score) => score.delimiter),
    share((score) => score.preamble),
    share((score) => score.header),
    share((score) => score.records),
    share((score) => score.cells),
  ];
  return `| ${family} | ${name} | ${scores.length} | ${cells.join(' | ')} |`;
}

/** Whether the confidence means anything: what is sure should be right. */
function sureness(scores: readonly Score[]): string {
  const bands = [
    [0.9, 1.01],
    [0.7, 0.9],
    [0, 0.7],
  ] as const;
  const lines = bands.map(([least, below]) => {
    const inBand = scores.filter(({ confidence }) => confidence >= least && confidence < below);
    const exact = inBand.filter((score) => score.exact).length;
    return `confidence ${least} and more: ${inBand.length} files, ${((100 * exact) / Math.max(1, inBand.length)).toFixed(1)} % exact`;
  });
  const ambiguous = scores.filter((score) => score.ambiguous);
  const right = ambiguous.filter(({ exact }) => exact).length;
  return [...lines, `ambiguous: ${ambiguous.length} files, ${right} of them exact`].join('\n');
}
