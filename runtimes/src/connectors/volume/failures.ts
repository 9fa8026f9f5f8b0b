/**
 * The one table that translates what the file system throws into our failure families.
 *
 * A file that is absent, no file, or unreadable by our user stays so until a person acts: Permanent,
 * with path and claim in the message. A device or network file system in trouble is Transient.
 */
import { Failure } from '@millrace/kit/failure';
import { Fault } from '@millrace/kit/fault';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';

const transientCodes: Readonly<Record<string, string>> = {
  EAGAIN: 'SourceBusy',
  EBUSY: 'SourceBusy',
  EHOSTDOWN: 'SourceUnreachable',
  EIO: 'SourceUnreachable',
  EMFILE: 'SourceBusy',
  ENFILE: 'SourceBusy',
  ENODEV: 'SourceUnreachable',
  ENOTCONN: 'SourceUnreachable',
  ESTALE: 'SourceUnreachable',
  ETIMEDOUT: 'SourceUnreachable',
};

const permanentCodes: Readonly<Record<string, readonly [code: string, what: string]>> = {
  EACCES: ['SourceUnreadable', 'may not be read by this user; grant read permission'],
  EISDIR: ['SourceNotAFile', 'is a folder; name a file in it'],
  ELOOP: ['SourceUnreadable', 'is a loop of symbolic links'],
  ENAMETOOLONG: ['SourceMissing', 'has too long a name'],
  ENOENT: ['SourceMissing', 'does not exist; put the file there or correct source.volume.path'],
  ENOTDIR: ['SourceMissing', 'passes through something that is no folder'],
  ENXIO: ['SourceNotAFile', 'is a socket or a device; name a file'],
  EPERM: ['SourceUnreadable', 'may not be read by this user; grant read permission'],
};

/** `file` is the path as the user wrote it. */
export function translate(error: unknown, file: string): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof Error ? String(Reflect.get(error, 'code')) : '';
  const busy = transientCodes[code];
  if (busy !== undefined) {
    return new Transient(busy, `Reading ${file}: the volume is in trouble (${code}).`, {
      cause: error,
      backend: 'source',
    });
  }
  const known = permanentCodes[code];
  if (known !== undefined) {
    return new Permanent(known[0], `The file ${file} of the volume ${known[1]}.`, {
      cause: error,
      backend: 'source',
    });
  }
  return new Fault(`reading ${file} failed in an unknown way`, { cause: error });
}

export function sourceChanged(file: string): Permanent {
  return new Permanent(
    'SourceChanged',
    `The file ${file} changed after this import had begun, so its rows would be a mixture. ` +
      'Create a new import for the new content.',
    { backend: 'source' },
  );
}
