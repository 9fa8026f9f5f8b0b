/**
 * `npm run bench -- cluster`: the bars for the product on a cluster, as medians of rounds.
 *
 * A round is the part of the suite in hack/e2e that measures, on a cluster of its own: what is measured
 * is what is tested. A round with a failed test is no measurement, so the bench fails with it.
 */
import { parseArgs } from 'node:util';
import { measuredCluster } from '../../e2e/cluster-tests.ts';
import { countsLine } from '../../test/run-vitest.ts';

const measuring = ['10-install', '20-csv-import', '40-autoscaling', '60-operator'];
const defaultRounds = 3;

const usage = `Usage: npm run bench -- cluster [--rounds N]

Installs the chart, imports, scales and measures, N times (default ${String(defaultRounds)}) on a new
cluster of this host each, some two and a half minutes a round. Needs Linux and root.`;

export async function benchOfCluster(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: String(defaultRounds) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    console.error(usage);
    return 64;
  }
  const counts = await measuredCluster(measuring, rounds);
  console.log(countsLine(counts));
  return counts.failed === 0 ? 0 : 1;
}
