/** Exit codes of every process, chosen from sysexits so that a Job's podFailurePolicy can tell causes apart. */
export const exitCode = {
  finished: 0,
  /** The configuration is wrong; a restart changes nothing (EX_USAGE). */
  badConfiguration: 64,
  /** The input is wrong; a restart changes nothing (EX_DATAERR). */
  badInput: 65,
  /** Our bug (EX_SOFTWARE). */
  fault: 70,
  /** Commands only: a dependency is away, try again (EX_TEMPFAIL). */
  tryAgain: 75,
  /** Told to stop before the work was done (128 + SIGTERM): never 0, or a Job would count as finished. */
  drained: 143,
} as const;
