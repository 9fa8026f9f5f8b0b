/** JSON with sorted keys: equal values are equal text, whichever server or person wrote them. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_field, inner: unknown) =>
    typeof inner !== 'object' || inner === null || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
}
