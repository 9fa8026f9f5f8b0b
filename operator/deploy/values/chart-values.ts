/**
 * Every value of the chart, in the order of values.yaml. The schema that Helm checks, values.yaml and
 * its comments are generated from here by `npm run gen`.
 */
import { Type, type TObject } from 'typebox';
import { backendsValues } from './backends.ts';
import { globalValues, imagesValues } from './images.ts';
import { metricsApiValues } from './metrics-api.ts';
import { monitoringValues } from './monitoring.ts';
import { ingressValues, networkPolicyValues } from './network.ts';
import {
  budgetValues,
  configValues,
  operatorPodValues,
  topologyValues,
  watchValues,
} from './operator.ts';
import { testsValues } from './tests.ts';
import { flag, group, kubernetesList, kubernetesObject, text, textMap } from './value.ts';

/** Given by an umbrella chart for its own conditions; read by nobody here. */
const ofUmbrella = {
  enabled: Type.Optional(Type.Boolean({ description: 'For umbrella charts.' })),
};

export const chartValues: TObject = group('Values of the chart millrace.', {
  ...ofUmbrella,
  global: globalValues,
  fullnameOverride: text({
    default: '',
    maxLength: 45,
    pattern: '^([a-z]([-a-z0-9]*[a-z0-9])?)?$',
    description:
      'What all names begin with; empty: the release if its name has millrace in it, else <release>-millrace.',
  }),
  images: imagesValues,
  ...operatorPodValues,
  watch: watchValues,
  config: configValues,
  crds: group('The definitions of the kinds.', {
    install: flag({
      default: true,
      description:
        'Whether they come with this chart, upgraded with it and kept when it is uninstalled; else by the chart millrace-crds or by hand.',
    }),
  }),
  rbac: group('Rights of people.', {
    aggregatedRoles: flag({
      default: true,
      description: 'Adds our kinds to the roles view, edit and admin of the cluster.',
    }),
  }),
  metricsApi: metricsApiValues,
  podDisruptionBudget: budgetValues,
  topologySpread: topologyValues,
  priorityClassName: text({ default: '', description: 'Of all pods of this chart.' }),
  nodeSelector: textMap({ default: {}, description: 'Of all pods of this chart.' }),
  tolerations: kubernetesList({ default: [], description: 'Of all pods of this chart.' }),
  affinity: kubernetesObject({ default: {}, description: 'Of all pods of this chart.' }),
  podLabels: textMap({ default: {}, description: 'More labels of all pods of this chart.' }),
  podAnnotations: textMap({ default: {}, description: 'Annotations of all pods of this chart.' }),
  networkPolicy: networkPolicyValues,
  ingress: ingressValues,
  monitoring: monitoringValues,
  backends: backendsValues,
  tests: testsValues,
  development: group('For people who work on Millrace itself.', {
    watch: flag({
      default: false,
      description:
        'Starts the operator again when its files change, as `skaffold dev` changes them; its root is then writable.',
    }),
  }),
  uninstall: group('What `helm uninstall` does first.', {
    hook: flag({
      default: true,
      description:
        'Whether a Job runs first: it refuses while there are resources that only the operator can let go of, and takes away the registration of our metrics API, which nobody else would.',
    }),
    force: flag({
      default: false,
      description:
        'Goes on all the same: such resources stay until an operator is installed again.',
    }),
  }),
});
