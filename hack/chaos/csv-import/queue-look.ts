/** How many messages wait in a queue, asked of the broker while it lives. */
import { connect, type ChannelModel } from 'amqplib';

const limitMs = 2_000;

export class QueueObserver implements AsyncDisposable {
  readonly #url: string;
  #connection: ChannelModel | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Undefined when the broker or the queue does not answer; Absent when there is no such queue. */
  async ready(queue: string): Promise<number | 'Absent' | undefined> {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), limitMs).unref();
    });
    const asked = this.#ask(queue).catch((error: unknown) =>
      error instanceof Error && error.message.includes('404') ? ('Absent' as const) : undefined,
    );
    return await Promise.race([asked, late]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close().catch(() => undefined);
  }

  async #ask(queue: string): Promise<number> {
    const connection = await this.#connected();
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    try {
      return (await channel.checkQueue(queue)).messageCount;
    } finally {
      channel.close().catch(() => undefined);
    }
  }

  async #connected(): Promise<ChannelModel> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = await connect(this.#url, { timeout: limitMs });
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.on('error', forget);
    connection.on('close', forget);
    this.#connection = connection;
    return connection;
  }
}
