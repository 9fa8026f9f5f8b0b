/**
 * Keeps the queue in step with the ledger: declares it, publishes new chunks, and publishes lost ones
 * again.
 *
 * The ledger is the outbox. A publish that fails is forgotten here and found again as a lost chunk,
 * so nothing waits in memory for a broker that is away, and planning goes on meanwhile.
 *
 * A broker that was killed soon after a queue was declared can come back with the queue's name but
 * without its log: it then declares and counts as ever, and never confirms or delivers a message.
 * Such a queue is known by its silence and left for the next number, which the ledger tells workers.
 */
import { Failure } from '@millrace/kit/failure';
import { Transient } from '@millrace/kit/transient';
import type { PlannedChunk } from '../../chunks/plan.ts';
import { readQueueNumber, replaceQueue } from '../../chunks/queue-number.ts';
import { LostChunks } from '../../chunks/republish.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import type { Publisher } from '../../connectors/rabbitmq/publisher.ts';
import { declareQueue, readyCount } from '../../connectors/rabbitmq/queue.ts';
import { chunkContentType, encodeChunkMessage, queueName } from '../messages.ts';
import type { ImportTelemetry } from '../telemetry.ts';

export interface AnnouncerOptions {
  readonly db: Database;
  readonly link: AmqpLink;
  readonly publisher: Pick<Publisher, 'send'>;
  readonly uid: string;
  readonly telemetry: ImportTelemetry;
  /** Told how the broker answered. */
  observed(failure: Failure | undefined): void;
}

/** Bounds memory when cutting outruns the broker; what is left out here is found as lost later. */
const backlogMax = 4_096;

/** Sent and awaited together, so that a queue that confirms nothing is noticed after one batch. */
const batchMax = 256;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #lost: LostChunks;
  #number = 1;
  #isDeclared = false;
  #isUnusable = false;
  #inFlight = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#lost = new LostChunks({
      db: options.db,
      uid: options.uid,
      readyCount: () => readyCount(options.link, this.#queue),
    });
  }

  /** Publishes in the background; failures are repaired by `keepUp`. */
  publish(chunks: readonly PlannedChunk[]): void {
    if (!this.#isDeclared || this.#isUnusable || this.#inFlight > backlogMax) return;
    this.#options.telemetry.chunksPublished(chunks.length);
    void this.#send(chunks);
  }

  /** One tick: declare what is missing, publish what is lost. Swallows the broker's failures. */
  async keepUp(): Promise<void> {
    try {
      if (this.#isUnusable) await this.#replace();
      if (!this.#isDeclared) await this.#declare();
      // What is still being published is neither in the queue nor lost.
      const lost = this.#inFlight > 0 ? [] : await this.#lost.find();
      if (lost.length > 0) {
        this.#options.telemetry.chunksRepublished(lost.length);
        void this.#send(lost);
      }
      this.#options.observed(undefined);
    } catch (error) {
      if (!(error instanceof Transient) || error.backend !== 'rabbitmq') throw error;
      this.#isDeclared = false;
      this.#options.observed(error);
    }
  }

  get #queue(): string {
    return queueName(this.#options.uid, this.#number);
  }

  async #declare(): Promise<void> {
    const { db, link, uid } = this.#options;
    this.#number = await readQueueNumber(db, uid);
    await declareQueue(link, this.#queue);
    this.#isDeclared = true;
  }

  async #replace(): Promise<void> {
    const { db, link, uid, telemetry } = this.#options;
    this.#number = await replaceQueue(db, uid, this.#number);
    this.#isUnusable = false;
    this.#isDeclared = false;
    this.#lost.startOver();
    telemetry.queueReplaced(this.#number);
    // A channel with too many messages that a queue does not confirm takes none for others either.
    link.renew();
  }

  async #send(chunks: readonly PlannedChunk[]): Promise<void> {
    const number = this.#number;
    this.#inFlight += chunks.length;
    try {
      for (let at = 0; at < chunks.length; at += batchMax) {
        if (this.#isUnusable || number !== this.#number) return;
        const sent = await Promise.all(
          chunks.slice(at, at + batchMax).map((chunk) => this.#sendOne(chunk)),
        );
        this.#judge(number, sent);
      }
    } finally {
      this.#inFlight -= chunks.length;
    }
  }

  /** The broker is there and takes messages, but the queue keeps none of a whole batch. */
  #judge(number: number, sent: readonly (Failure | undefined)[]): void {
    const { link } = this.#options;
    const isSilent = sent.every((failure) => failure?.code === 'Silent');
    if (!isSilent || number !== this.#number || !link.state.ok) return;
    this.#isUnusable = true;
  }

  async #sendOne({ chunk, offset, length }: PlannedChunk): Promise<Failure | undefined> {
    const { publisher, uid } = this.#options;
    try {
      await publisher.send({
        queue: this.#queue,
        contentType: chunkContentType,
        body: encodeChunkMessage({ v: 1, import: uid, chunk, offset, length }),
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === 'QueueMissing') this.#isDeclared = false;
      this.#options.observed(error);
      return error;
    }
  }
}
