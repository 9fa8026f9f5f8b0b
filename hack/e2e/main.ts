/**
 * `npm run test:cluster`: the product as people get it, on a whole Kubernetes on this host: images,
 * chart, kubectl, real backends. Ends with the table of what it measured and one line,
 * `N passed, N failed, N skipped`.
 *
 * A host that cannot have a node (not Linux, not root) skips the suite with the reason; with CI=true
 * that is a failure.
 */
import { parseArgs } from 'node:util';
import { countsLine } from '../test/run-vitest.ts';
import { clusterTests } from './cluster-tests.ts';

const usage = `Usage: npm run test:cluster [-- <part of a file name>…]

Starts a cluster with a node, installs the chart and takes it through its life. Needs Linux and root.
Parts of file names, such as 10-install 20-csv-import, run these alone; all but the first need it.
The cluster is gone at the end; a test that fails prints what it looked like.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', default: false } },
});
if (values.help) {
  console.log(usage);
} else {
  const counts = await clusterTests(positionals);
  process.exitCode = counts.failed === 0 ? 0 : 1;
  console.log(countsLine(counts));
}
