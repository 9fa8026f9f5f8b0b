/**
 * The programs that tests and scripts call and that are no npm packages: which module each comes
 * from, at which version, and what is linked into it. Go checks every module against the public
 * checksum database (or against a committed go.sum), so a version here is a fixed set of bytes.
 */

export interface Recipe {
  readonly module: string;
  readonly version: string;
  readonly package: string;
  /** What `go install` calls it, where that is not its name here. */
  readonly binary?: string;
  /** A folder beside this file whose go.mod has the module's own replacements; `go install` refuses those. */
  readonly wrapper?: string;
  /** What the linker sets, as -X. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Files of the module that it reads at run time; kept beside it under the same paths. */
  readonly files?: readonly string[];
  /** Arguments that make it say its version. */
  readonly versionArguments: readonly string[];
}

/** The Kubernetes that hack/cluster runs; without it helm would render for 1.20. */
const kubernetes = { major: '1', minor: '35' };

export const recipes = {
  helm: {
    module: 'helm.sh/helm/v3',
    version: 'v3.22.0',
    package: 'helm.sh/helm/v3/cmd/helm',
    variables: {
      'helm.sh/helm/v3/internal/version.version': 'v3.22.0',
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': kubernetes.major,
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': kubernetes.minor,
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': kubernetes.major,
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': kubernetes.minor,
    },
    versionArguments: ['version', '--short'],
  },
  kubeconform: {
    module: 'github.com/yannh/kubeconform',
    version: 'v0.8.0',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
    variables: { 'main.version': 'v0.8.0' },
    versionArguments: ['-v'],
  },
  kwok: {
    module: 'sigs.k8s.io/kwok',
    version: 'v0.8.0',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    variables: { 'sigs.k8s.io/kwok/pkg/consts.Version': 'v0.8.0' },
    files: [
      'kustomize/stage/node/fast/node-initialize.yaml',
      'kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
      'kustomize/stage/pod/fast/pod-complete.yaml',
      'kustomize/stage/pod/fast/pod-delete.yaml',
      'kustomize/stage/pod/fast/pod-ready.yaml',
    ],
    versionArguments: ['--version'],
  },
  skaffold: {
    module: 'github.com/GoogleContainerTools/skaffold/v2',
    version: 'v2.24.0',
    package: 'github.com/GoogleContainerTools/skaffold/v2/cmd/skaffold',
    wrapper: 'skaffold',
    variables: {
      'github.com/GoogleContainerTools/skaffold/v2/pkg/skaffold/version.version': 'v2.24.0',
    },
    versionArguments: ['version'],
  },
  versitygw: {
    module: 'github.com/versity/versitygw',
    version: 'v1.7.0',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    variables: { 'main.Version': 'v1.7.0' },
    versionArguments: ['--version'],
  },
  toxiproxy: {
    module: 'github.com/Shopify/toxiproxy/v2',
    version: 'v2.12.0',
    package: 'github.com/Shopify/toxiproxy/v2/cmd/server',
    binary: 'server',
    variables: { 'github.com/Shopify/toxiproxy/v2.Version': 'v2.12.0' },
    versionArguments: ['-version'],
  },
} as const satisfies Readonly<Record<string, Recipe>>;

export type GoToolName = keyof typeof recipes;
export const goToolNames = Object.keys(recipes) as readonly GoToolName[];
