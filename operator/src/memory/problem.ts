/** One thing wrong with an object, for the person who wrote it. */
export interface Problem {
  /** Such as `spec.columns[2].type`. */
  readonly at: string;
  /** What is wrong and what to write instead; never the wrong value, which may be a secret. */
  readonly message: string;
  /** The rules of the schema cannot be judged beside it. */
  readonly blocksRules?: true;
}
