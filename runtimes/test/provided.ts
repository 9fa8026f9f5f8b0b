/** What the global set-up of the test run hands to every test process. */

export interface ProvidedBackends {
  /** A role that may create databases, and the one that the runtimes work as. */
  readonly postgres?: { readonly ownerUrl: string; readonly appUrl: string };
  readonly redis?: { readonly url: string };
  readonly rabbitmq?: { readonly url: string };
  readonly s3?: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  /** Why a backend is not among the above. */
  readonly missing: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    backends: ProvidedBackends;
  }
}
