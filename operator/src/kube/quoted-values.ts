/**
 * Takes whole objects out of a server's message.
 *
 * A refused patch of a Secret is answered with the Secret in full, inside `Invalid value: "{…}"`, and a
 * refused change of a Job with its template and every variable in it (both measured on 1.35). Such a
 * message ends in logs and conditions. Plain values stay: they say what is wrong. An object may be JSON,
 * or Go as older servers print it: `core.PodTemplateSpec{ObjectMeta:…}`.
 */
const marker = 'Invalid value: ';
const goObject = /(?:[&*]|\[\]|map\[[\w.]+\])*(?:interface \{\}|[\w.]*)\{/y;

export function withoutObjects(message: string): string {
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const at = message.indexOf(marker, from);
    if (at === -1) break;
    const start = at + marker.length;
    const end = endOfObject(message, start);
    parts.push(message.slice(from, start));
    if (end !== start) parts.push('(object)');
    from = end;
  }
  parts.push(message.slice(from));
  return parts.join('');
}

/** Where the value ends if it is an object or a list, bare or as a quoted text; `start` if not. */
function endOfObject(message: string, start: number): number {
  const first = message[start] ?? '';
  if (first === '"') {
    return '{['.includes(message[start + 1] ?? ' ') ? endOfText(message, start) : start;
  }
  goObject.lastIndex = start;
  if (goObject.test(message)) return endOfBraces(message, goObject.lastIndex - 1);
  return first === '[' ? endOfBraces(message, start) : start;
}

/** One that never closes was cut off, so it goes up to the end. */
function endOfText(message: string, start: number): number {
  for (let at = start + 1; at < message.length; at++) {
    if (message[at] === '\\') at++;
    else if (message[at] === '"') return at + 1;
  }
  return message.length;
}

function endOfBraces(message: string, start: number): number {
  let depth = 0;
  for (let at = start; at < message.length; at++) {
    const character = message[at] ?? '';
    if (character === '"') at = endOfText(message, at) - 1;
    else if ('{['.includes(character)) depth++;
    else if ('}]'.includes(character)) depth--;
    if (depth === 0) return at + 1;
  }
  return message.length;
}
