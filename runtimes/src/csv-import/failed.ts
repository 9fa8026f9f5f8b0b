import { Permanent } from '@millrace/kit/permanent';

/**
 * The import ends as Failed, with a reason for conditions and a message for people. Thrown by the
 * coordinator's steps, recorded in the ledger by their caller.
 */
export class ImportFailed extends Permanent {
  constructor(reason: FailureReason, message: string, options: { readonly cause?: unknown } = {}) {
    super(reason, message, options);
  }
}

/** Why an import can be Failed; the README's table lists exactly these. */
export const failureReasons = [
  'AmbiguousColumn',
  'BadFormat',
  'BadKey',
  'ChunkRefused',
  'DuplicateKeys',
  'EmptySource',
  'GzipBroken',
  'HeaderTooLong',
  'HeaderUndecided',
  'MissingColumn',
  'NoColumns',
  'SourceChanged',
  'SourceMissing',
  'SourceNotAFile',
  'SourceUnreadable',
  'TargetLost',
  'TargetMismatch',
  'TargetNotAdopted',
  'TooManyRejects',
  'TotalsDisagree',
  'UnsupportedEncoding',
] as const;
export type FailureReason = (typeof failureReasons)[number];

/**
 * These stay: what is in the table belongs to another version or another import's turn, or the verdict
 * would be the same again.
 */
export const finalReasons: ReadonlySet<string> = new Set<FailureReason>([
  'DuplicateKeys',
  'SourceChanged',
  'TargetLost',
]);
