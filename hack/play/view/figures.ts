/** Numbers as people read them. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Under each other. */
export function column(value: number): string {
  return count(value).padStart(12);
}
