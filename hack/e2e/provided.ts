/** What the global set-up of the suite tells its tests. */
import type { S3Settings } from '@millrace/runtimes/connectors/s3/client';
import type { Tools } from './commands.ts';

export interface ProvidedSuite {
  readonly tools: Tools;
  /** This host, as pods see it. */
  readonly hostAddress: string;
  /** As this host reaches it: the role of the runtimes, and the one that owns the tables. */
  readonly postgres: { readonly url: string; readonly ownerUrl: string };
  /** The S3 store, as this host reaches it. */
  readonly store: S3Settings;
  /** `stringData` of the backends Secret: URLs as pods reach them. */
  readonly backends: Readonly<Record<string, string>>;
  /** For what tests write; pods can mount folders in it. */
  readonly folder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    suite: ProvidedSuite;
  }
}
