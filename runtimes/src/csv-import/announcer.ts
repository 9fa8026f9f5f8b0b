/**
 * Keeps the queue in step with the ledger: declares it, publishes new chunks, and publishes lost ones
 * again.
 *
 * The ledger is the outbox. A publish that fails is forgotten here and found again as a lost chunk,
 * so nothing waits in memory for a broker that is away, and planning goes on meanwhile.
 */
import { Failure } from '@millrace/kit/failure';
import { Transient } from '@millrace/kit/transient';
import type { PlannedChunk } from '../chunks/plan.ts';
import { LostChunks } from '../chunks/republish.ts';
import type { Database } from '../connectors/postgres/database.ts';
import type { AmqpLink } from '../connectors/rabbitmq/link.ts';
import type { Publisher } from '../connectors/rabbitmq/publisher.ts';
import { declareQueue, readyCount } from '../connectors/rabbitmq/queue.ts';
import { chunkContentType, encodeChunkMessage, queueName } from './messages.ts';
import type { ImportTelemetry } from './telemetry.ts';

export interface AnnouncerOptions {
  readonly db: Database;
  readonly link: AmqpLink;
  readonly publisher: Publisher;
  readonly uid: string;
  readonly telemetry: ImportTelemetry;
  /** Told how the broker answered. */
  observed(failure: Failure | undefined): void;
}

/** Bounds memory when cutting outruns the broker; what is left out here is found as lost later. */
const backlogMax = 4_096;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #queue: string;
  readonly #lost: LostChunks;
  #isDeclared = false;
  #inFlight = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#queue = queueName(options.uid);
    this.#lost = new LostChunks({
      db: options.db,
      uid: options.uid,
      readyCount: () => readyCount(options.link, this.#queue),
    });
  }

  /** Publishes in the background; failures are repaired by `keepUp`. */
  publish(chunks: readonly PlannedChunk[]): void {
    if (!this.#isDeclared || this.#inFlight > backlogMax) return;
    this.#options.telemetry.chunksPublished(chunks.length);
    void this.#send(chunks);
  }

  /** One tick: declare what is missing, publish what is lost. Swallows the broker's failures. */
  async keepUp(): Promise<void> {
    try {
      if (!this.#isDeclared) {
        await declareQueue(this.#options.link, this.#queue);
        this.#isDeclared = true;
      }
      // What is still being published is neither in the queue nor lost.
      const lost = this.#inFlight > 0 ? [] : await this.#lost.find();
      if (lost.length > 0) {
        await this.#send(lost);
        this.#options.telemetry.chunksRepublished(lost.length);
      }
      this.#options.observed(undefined);
    } catch (error) {
      if (!(error instanceof Transient) || error.backend !== 'rabbitmq') throw error;
      this.#isDeclared = false;
      this.#options.observed(error);
    }
  }

  async #send(chunks: readonly PlannedChunk[]): Promise<void> {
    const { publisher, uid } = this.#options;
    this.#inFlight += chunks.length;
    await Promise.all(
      chunks.map(async ({ chunk, offset, length }) => {
        try {
          await publisher.send({
            queue: this.#queue,
            contentType: chunkContentType,
            body: encodeChunkMessage({ v: 1, import: uid, chunk, offset, length }),
          });
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          if (error.code === 'QueueMissing') this.#isDeclared = false;
          this.#options.observed(error);
        } finally {
          this.#inFlight -= 1;
        }
      }),
    );
  }
}
