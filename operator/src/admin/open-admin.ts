/** Opens the admin port of a process of the operator; one that is taken is wrong configuration. */
import { startAdmin, type AdminOptions, type AdminServer } from '@millrace/kit/health';
import { Permanent } from '@millrace/kit/permanent';

export async function openAdmin(
  { host, port }: Pick<AdminOptions, 'host' | 'port'>,
  answers: Omit<AdminOptions, 'host' | 'port'>,
): Promise<AdminServer> {
  try {
    return await startAdmin({ host, port, ...answers });
  } catch (error) {
    throw new Permanent(
      'BadConfiguration',
      `The admin port ${host}:${port} cannot be opened. Choose another with --admin-port; 0 takes a free one.`,
      { cause: error },
    );
  }
}
