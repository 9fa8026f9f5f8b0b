/**
 * Parts of a row's key as Postgres sends them in binary: the very bytes that the row's COPY held, to
 * which its sealed values are bound.
 */
const sendFunctions: Readonly<Record<string, string>> = {
  integer: 'int4send',
  bigint: 'int8send',
  numeric: 'numeric_send',
  boolean: 'boolsend',
  date: 'date_send',
  'timestamp with time zone': 'timestamptz_send',
  uuid: 'uuid_send',
};

/** `type` is the column's, as Postgres writes it without modifiers. */
export function keyPartSql(expression: string, type: string): string {
  const send = sendFunctions[type];
  return send === undefined ? `textsend(${expression}::text)` : `${send}(${expression})`;
}
