/**
 * `npm run deploy`: this checkout on a cluster of this host, as a user would have it: both images are
 * built and loaded, backends run on this host, the chart is installed or upgraded, and the namespace
 * `default` has what the examples name: the Secret, and a claim with the sample.
 *
 * Run again after a change, it does the same with what has changed; what is there is kept.
 */
import { parseArgs } from 'node:util';
import { deploy } from './deploy.ts';

const usage = `Usage: npm run deploy [-- options] [-- <arguments for helm>…]

Builds the images, loads them into a cluster of this host with a node, and installs the chart there.
Start one first:  npm run cluster -- up --tier d

  --name <name>      which cluster (default: default)
  --state <folder>   where clusters are (default: .millrace/cluster)
  --help             print this

What follows a second -- goes to helm, such as --set replicas=1 or -f my-values.yaml.`;

function parsed() {
  return parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'default' },
      state: { type: 'string', default: '.millrace/cluster' },
      help: { type: 'boolean', default: false },
    },
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parsed();
  if (values.help) {
    console.log(usage);
    return;
  }
  try {
    await deploy({ name: values.name, stateDir: values.state, helmArgs: positionals });
  } catch (error) {
    console.error(`deploy: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

await main();
