/** One address for the gateways, whatever their number. */
import type { KubeObject } from '../../../machinery/kube-api.ts';
import type { Owner } from '../../../machinery/workload/names.ts';
import { service } from '../../../machinery/workload/service.ts';
import { names } from '../names.ts';

export function gatewayService(owner: Owner): KubeObject {
  return service(names, owner, 'gateway');
}
