/**
 * Settings of a long-running program: defaults, then the file of `--config`, then `MILLRACE_*`
 * variables, then flags. What is unknown, missing or wrong is a Permanent `BadConfiguration` that names
 * it, and ends the process with 64: starting again would change nothing.
 */
import { loadConfig } from '@millrace/kit/config';
import { Type, type Static, type TObject, type TProperties } from 'typebox';

/** What the command line says. */
export interface Given {
  readonly file: string | undefined;
  /** The shape of the configuration, with undefined for what no flag said. */
  readonly flags: object;
}

export interface SettingsSource {
  readonly given: Given;
  readonly env: NodeJS.ProcessEnv;
  readonly defaults: object;
}

export function readSettings<T extends TProperties>(
  schema: TObject<T>,
  { given, env, defaults }: SettingsSource,
): Static<TObject<T>> {
  // The one variable that people set for every program, whoever wrote it.
  const { LOG_LEVEL: logLevel } = env;
  return loadConfig(schema, {
    ...(given.file === undefined ? {} : { file: given.file }),
    env: { ...env, ...(logLevel === undefined ? {} : { MILLRACE_LOG_LEVEL: logLevel }) },
    reserved: [],
    defaults,
    flags: given.flags,
  });
}

export const closed = { additionalProperties: false } as const;
/** A namespace, a Lease: one label of a DNS name. */
export const labelName = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 } as const;
/** Names of most objects may have dots. */
export const objectName = {
  pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
  maxLength: 253,
} as const;

/** How a program finds the API server, and how much it logs. */
export const processSettings = {
  kubeconfig: Type.Optional(Type.String({ minLength: 1 })),
  context: Type.Optional(Type.String({ minLength: 1 })),
  logLevel: Type.String({ pattern: '^(trace|debug|info|warn|error|silent)$' }),
} as const;

/** Where to listen; port 0 takes a free one. */
export function address(description?: string) {
  return Type.Object(
    {
      host: Type.String({ minLength: 1 }),
      port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    },
    { ...closed, ...(description === undefined ? {} : { description }) },
  );
}
