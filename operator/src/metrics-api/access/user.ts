/** Who asks, as the API server knows them: what a TokenReview answers and a SubjectAccessReview takes. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}
