/**
 * The one table that translates what the S3 SDK, and the network under it, throws into our failure
 * families.
 *
 * What an administrator can repair while we wait is Transient, refused keys included: they are read
 * anew at each use. An object or bucket that does not exist stays so until a person acts: Permanent.
 * Messages of servers and of the SDK are never passed on, since they quote keys and signed requests.
 */
import { Failure } from '@millrace/kit/failure';
import { Fault } from '@millrace/kit/fault';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { tlsTrouble } from '../tls-trouble.ts';

type Told = readonly [code: string, what: string];

const byErrno: Readonly<Record<string, Told>> = {
  EAI_AGAIN: ['SourceUnreachable', 'the host name of S3_ENDPOINT does not resolve at the moment'],
  ECONNABORTED: ['SourceCut', 'the connection broke'],
  ECONNREFUSED: ['SourceUnreachable', 'nothing accepts connections at S3_ENDPOINT'],
  ECONNRESET: ['SourceCut', 'the connection broke'],
  EHOSTUNREACH: ['SourceUnreachable', 'no route leads to S3_ENDPOINT'],
  ENETUNREACH: ['SourceUnreachable', 'no route leads to S3_ENDPOINT'],
  ENOTFOUND: ['SourceUnreachable', 'the host name of S3_ENDPOINT does not resolve'],
  EPIPE: ['SourceCut', 'the connection broke'],
  ERR_STREAM_PREMATURE_CLOSE: ['SourceCut', 'the answer ended before its time'],
  ETIMEDOUT: ['SourceUnreachable', 'S3_ENDPOINT does not answer'],
};

/** Errors that the store names; what is not here goes by its status. */
const byName: Readonly<Record<string, Told>> = {
  AuthorizationHeaderMalformed: [
    'SourceRefused',
    'the store is of another region; correct S3_REGION',
  ],
  InvalidAccessKeyId: ['SourceRefused', 'the store does not know S3_ACCESS_KEY_ID; correct it'],
  PermanentRedirect: [
    'SourceRefused',
    'the bucket is elsewhere; correct S3_ENDPOINT and S3_REGION',
  ],
  RequestTimeTooSkewed: ['SourceRefused', 'its clock and ours disagree; correct the clocks'],
  SignatureDoesNotMatch: [
    'SourceRefused',
    'the store refuses the signature; correct S3_SECRET_ACCESS_KEY',
  ],
  XAdminUserNotFound: ['SourceRefused', 'the store does not know S3_ACCESS_KEY_ID; correct it'],
  TimeoutError: ['SourceUnreachable', 'no connection to S3_ENDPOINT within the time limit'],
};

const noHttp: Told = ['SourceMalformed', 'the answer is no proper HTTP; check S3_ENDPOINT'];

const missing: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket; create it, or name another in a new import',
  NoSuchKey: 'there is no such object; put it there, or name another in a new import',
  NoSuchVersion: 'there is no such version of the object; name another in a new import',
};

/** `label` names the object without keys. */
export function translate(error: unknown, label: string): Failure {
  if (error instanceof Failure) return error;
  const { name, code, status } = partsOf(error);
  const known = byErrno[code] ?? byName[name] ?? (code.startsWith('HPE_') ? noHttp : undefined);
  if (known !== undefined) return transient(known, { label, error });
  const untrusted = tlsTrouble(code);
  if (untrusted !== undefined) return transient(['SourceUntrusted', untrusted], { label, error });
  return status === undefined
    ? new Fault(`reading ${label} failed in an unknown way`, { cause: error })
    : byStatus(status, { name, label, error });
}

interface Refused {
  readonly name: string;
  readonly label: string;
  readonly error: unknown;
}

function byStatus(status: number, { name, label, error }: Refused): Failure {
  switch (status) {
    case 404:
      return permanent('SourceMissing', missing[name] ?? 'there is nothing of that name', {
        label,
        error,
      });
    case 400:
      return permanent('SourceUnreadable', 'the store does not understand the request (HTTP 400)', {
        label,
        error,
      });
    case 405:
      // The newest version is a delete marker.
      return permanent('SourceMissing', 'this version of the object is deleted', { label, error });
    case 412:
      return sourceChanged(label);
    case 416:
      return sourceChanged(label);
    case 301:
    case 307:
      return transient(
        ['SourceRefused', 'the bucket is elsewhere; correct S3_ENDPOINT and S3_REGION'],
        { label, error },
      );
    case 401:
    case 403:
      return transient(
        [
          'SourceRefused',
          'access is denied; grant s3:GetObject, and s3:ListBucket, without which a missing object looks the ' +
            'same, or correct the keys in the Secret',
        ],
        { label, error },
      );
    default:
      return transient(['SourceBusy', `the store cannot serve it now (HTTP ${status})`], {
        label,
        error,
      });
  }
}

interface About {
  readonly label: string;
  readonly error?: unknown;
}

export function transient([code, what]: Told, { label, error }: About): Transient {
  return new Transient(code, `Reading ${label}: ${what}.`, { cause: error, backend: 'source' });
}

function permanent(code: string, what: string, { label, error }: About): Permanent {
  return new Permanent(code, `Reading ${label}: ${what}.`, { cause: error, backend: 'source' });
}

export function sourceChanged(label: string): Permanent {
  return new Permanent(
    'SourceChanged',
    `${label} changed after this import had begun, so its rows would be a mixture. ` +
      'Create a new import for the new content.',
    { backend: 'source' },
  );
}

interface ErrorParts {
  readonly name: string;
  readonly code: string;
  readonly status: number | undefined;
}

function partsOf(error: unknown): ErrorParts {
  if (!(error instanceof Error)) return { name: '', code: '', status: undefined };
  const metadata: unknown = Reflect.get(error, '$metadata');
  const status: unknown =
    typeof metadata === 'object' && metadata !== null
      ? Reflect.get(metadata, 'httpStatusCode')
      : undefined;
  const [own, inner] = [Reflect.get(error, 'code'), errorCode(error.cause)];
  const code = typeof own === 'string' ? own : inner;
  return { name: error.name, code, status: typeof status === 'number' ? status : undefined };
}

function errorCode(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
