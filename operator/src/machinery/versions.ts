/**
 * Which of two versions of one type is the older.
 *
 * Versions are opaque by the API's old contract. Kubernetes 1.35 documents them as integers that can
 * be compared within one type, which they always have been on etcd. So: two versions that both are
 * decimal integers are compared; of any others nothing is known, and events count in the order in
 * which they come. A wrong "older" would hide a state until the next list, which a server that
 * numbers its versions otherwise cannot cause: its versions are not two integers, or they are in order.
 */

export function isOlder(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return false;
  if (!isInteger(version) || !isInteger(than)) return false;
  // As text, since sixty-four bits are more than a number holds.
  return version.length === than.length ? version < than : version.length < than.length;
}

function isInteger(version: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(version);
}
