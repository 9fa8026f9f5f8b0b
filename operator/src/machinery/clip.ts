/**
 * Cuts text for people to the length that the API allows. Half a character at the cut, or half of one
 * anywhere, is stored as another character: what is held would never again equal what is wanted, and
 * each pass would write it anew. So none is left in.
 */

/** At most so many UTF-16 units. */
export function clip(text: string, unitsMax: number): string {
  const cut =
    text.length > unitsMax ? text.slice(0, unitsMax).replace(/[\uD800-\uDBFF]$/, '') : text;
  return cut.toWellFormed();
}

/** At most so many bytes of UTF-8. */
export function clipBytes(text: string, bytesMax: number): string {
  // As a stream, the decoder keeps back what is not yet a whole character.
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytesMax), { stream: true });
}
