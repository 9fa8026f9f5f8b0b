/** One address for the pods of a role, whatever their number. */
import type { KubeObject } from '../kube-api.ts';
import { roleName, type KindNames, type Owner } from './names.ts';

export function service<Role extends string>(
  names: Pick<KindNames<Role>, 'metadata' | 'selectorLabels'>,
  owner: Owner,
  role: Role,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: names.metadata(owner, { name: roleName(owner.name, role), component: role }),
    spec: {
      type: 'ClusterIP',
      selector: names.selectorLabels(owner, role),
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}
