/**
 * The one entry point of the data plane: `node main.ts <runtime> <role>`.
 *
 * Reads the configuration, makes log and metrics, and hands over; everything else is the role's.
 */
import { exitCode } from '@millrace/kit/exit-code';
import { Failure } from '@millrace/kit/failure';
import { runProcess } from '@millrace/kit/lifecycle';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { Permanent } from '@millrace/kit/permanent';
import { runtimes } from './registry.ts';
import type { Role } from './runtime.ts';

const nodeMajorMin = 24;

function chooseRole(runtimeName: string | undefined, roleName: string | undefined): Role {
  const runtime = runtimes[runtimeName ?? ''];
  if (runtime === undefined) {
    throw new Permanent(
      'BadConfiguration',
      `Usage: main.ts <runtime> <role>. Runtimes: ${Object.keys(runtimes).join(', ')}.`,
    );
  }
  const role = runtime.roles[roleName ?? ''];
  if (role === undefined) {
    throw new Permanent(
      'BadConfiguration',
      `Usage: main.ts ${runtimeName} <role>. Roles: ${Object.keys(runtime.roles).join(', ')}.`,
    );
  }
  const configFile = process.env['MILLRACE_CONFIG'] ?? '/etc/millrace/config.json';
  return role({ configFile, env: process.env });
}

async function main(): Promise<void> {
  const [runtimeName, roleName] = process.argv.slice(2);
  const bindings = { runtime: runtimeName ?? '', role: roleName ?? '' };
  if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
    process.stderr.write(`Node ${nodeMajorMin} or newer is needed, not ${process.version}.\n`);
    process.exit(exitCode.badConfiguration);
  }
  let role: Role;
  try {
    role = chooseRole(runtimeName, roleName);
  } catch (error) {
    createLog({ level: 'info', bindings }).fatal({ err: error }, 'configuration refused');
    process.exit(error instanceof Failure ? exitCode.badConfiguration : exitCode.fault);
  }
  const log = createLog({
    level: process.env['LOG_LEVEL'] ?? role.logLevel,
    bindings: { ...bindings, ...role.bindings },
  });
  const metrics = createMetrics(bindings);
  await runProcess((signal) => role.run({ log, metrics }, signal), { log, graceMs: role.graceMs });
}

await main();
