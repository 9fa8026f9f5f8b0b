/** CsvImport’s door: its roles, each from the pod’s configuration file. */
import { podConfig, type CsvImportPodConfig } from '@millrace/crds/csv-import';
import { loadConfig } from '@millrace/kit/config';
import type { ProcessContext, Role, RoleSource, Runtime } from '../runtime.ts';
import { runCoordinatorRole } from './role-coordinator.ts';
import { runGatewayRole } from './role-gateway.ts';
import { runWorkerRole } from './role-worker.ts';

type RunRole = (
  config: CsvImportPodConfig,
  context: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
) => Promise<number>;

function role(run: RunRole): (source: RoleSource) => Role {
  return ({ configFile, env }) => {
    const config = loadConfig(podConfig, {
      file: configFile,
      env,
      reserved: ['MILLRACE_CONFIG'],
    });
    const { namespace, name } = config.import;
    return {
      logLevel: config.logLevel,
      graceMs: config.graceMs,
      bindings: { namespace, name },
      run: (context, signal) => run(config, { ...context, env }, signal),
    };
  };
}

export const csvImport: Runtime = {
  roles: {
    coordinator: role(runCoordinatorRole),
    worker: role(runWorkerRole),
    gateway: role(runGatewayRole),
  },
};
