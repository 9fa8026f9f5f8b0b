/** CsvImport’s door: its roles, each from the pod’s configuration file. */
import { podConfig, type CsvImportPodConfig } from '@millrace/crds/csv-import';
import { loadConfig } from '@millrace/kit/config';
import type { ProcessContext, Role, RoleSource, Runtime } from '../runtime.ts';

type RunRole = (
  config: CsvImportPodConfig,
  context: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
) => Promise<number>;

function role(load: () => Promise<RunRole>): (source: RoleSource) => Role {
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
      run: async (context, signal) => {
        const run = await load();
        return await run(config, { ...context, env }, signal);
      },
    };
  };
}

/** Loaded when needed: a worker that knew the gateway's libraries would start later and weigh more. */
export const csvImport: Runtime = {
  roles: {
    coordinator: role(async () => (await import('./coordinator/role.ts')).runCoordinatorRole),
    worker: role(async () => (await import('./worker/role.ts')).runWorkerRole),
    /** Started by workers for themselves. */
    trial: role(async () => (await import('./worker/trial-role.ts')).runTrialRole),
    gateway: role(async () => (await import('./gateway/role.ts')).runGatewayRole),
    /** Once, after everything else, when the data goes with the import. */
    janitor: role(async () => (await import('./janitor/role.ts')).runJanitorRole),
    /** Once, beside everything else, after the active key of sealed columns was changed. */
    reseal: role(async () => (await import('./reseal/role.ts')).runResealRole),
  },
};
