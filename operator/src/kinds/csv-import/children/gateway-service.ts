/** One address for the gateways, whatever their number. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { roleName, selectorLabels, type Owner } from '../names.ts';
import { metadata } from './metadata.ts';

export function gatewayService(owner: Owner): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(owner, { name: roleName(owner.name, 'gateway'), component: 'gateway' }),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(owner, 'gateway'),
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}
