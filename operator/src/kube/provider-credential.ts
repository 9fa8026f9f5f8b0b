/**
 * Tokens of the authentication providers that are built into the Kubernetes client, such as OpenID
 * Connect with its refresh. The only reason to load that client: 90 MB, for those who need it.
 */
import { delimiter } from 'node:path';
import type { RequestOptions } from 'node:https';
import type { Credentials } from './connection.ts';

export async function providerAuthorization({
  kubeconfigs,
  context,
}: Extract<Credentials, { type: 'provider' }>): Promise<string | undefined> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const merged = new KubeConfig();
  for (const file of kubeconfigs.flatMap((path) => path.split(delimiter))) {
    const config = new KubeConfig();
    config.loadFromFile(file);
    merged.mergeConfig(config, true);
  }
  merged.setCurrentContext(context);
  const options: RequestOptions = {};
  await merged.applyToHTTPSOptions(options);
  const headers = new Headers(options.headers as Record<string, string> | undefined);
  return headers.get('authorization') ?? undefined;
}
