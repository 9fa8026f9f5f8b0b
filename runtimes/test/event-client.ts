/** Reads server-sent events as a browser does: fields by line, one event a blank line, the last id kept. */

export interface ReceivedEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

export interface EventClient extends AsyncDisposable {
  readonly status: number;
  readonly type: string | null;
  readonly events: readonly ReceivedEvent[];
  readonly comments: readonly string[];
  /** Rows that came so far, as JSON text. */
  rows(): readonly string[];
  lastId(): string | undefined;
  /** When the server ended the stream; false if the connection broke. */
  readonly ended: Promise<boolean>;
}

export async function eventClient(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventClient> {
  const gone = new AbortController();
  const response = await fetch(url, { headers, signal: gone.signal });
  const events: ReceivedEvent[] = [];
  const comments: string[] = [];
  const ended = read(response, (block) => {
    const fields = block.split('\n').map((line) => /^([^:]*):? ?(.*)$/s.exec(line) ?? []);
    const of = (name: string): string[] =>
      fields.flatMap(([, field, value = '']) => (field === name ? [value] : []));
    comments.push(...of(''));
    if (of('data').length === 0) return;
    events.push({
      event: of('event')[0] ?? 'message',
      id: of('id')[0],
      data: of('data').join('\n'),
    });
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    events,
    comments,
    rows: () => events.flatMap(({ event, data }) => (event === 'message' ? [data] : [])),
    lastId: () => events.findLast(({ id }) => id !== undefined)?.id,
    ended,
    [Symbol.asyncDispose]: async () => {
      gone.abort();
      await ended;
    },
  };
}

async function read(response: Response, block: (text: string) => void): Promise<boolean> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      blocks.forEach(block);
    }
    return true;
  } catch {
    return false;
  }
}
