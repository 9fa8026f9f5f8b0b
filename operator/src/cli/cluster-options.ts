/** The options by which every command finds its cluster: those of kubectl. */
import type { Command } from 'commander';

export function withClusterOptions(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', 'namespace; else that of the kubeconfig’s context')
    .option('--kubeconfig <file>', 'else KUBECONFIG, else ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig');
}
