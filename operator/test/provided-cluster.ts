/** What the global set-up of the test run tells every test process about the real API server. */

export interface RunningCluster {
  /** Path of a kubeconfig with cluster-admin rights. */
  readonly kubeconfig: string;
  /** Path of the program. */
  readonly kubectl: string;
  readonly server: string;
  /** Absent for a given server whose kubeconfig holds the certificate inside itself. */
  readonly caFile?: string;
  /** Absent for a given server: nobody but its owner makes tokens there. */
  readonly adminTokenFile?: string;
}

/** One clear line says why there is no server. */
export type ProvidedCluster = RunningCluster | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ProvidedCluster;
  }
}
