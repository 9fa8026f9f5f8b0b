/**
 * COPY … FROM STDIN with back-pressure that never hangs.
 *
 * The driver's stream never settles a pending write when the connection dies, so each write and the
 * end race against the stream's error and against a limit on silence. After a silence the connection
 * is destroyed, since nobody knows what the server has read; after a refusal (a bad value) it is
 * kept, and a savepoint can go on.
 */
import type { PoolClient } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import type { Failure } from '@millrace/kit/failure';
import { transient, translate } from './failures.ts';

export interface CopyIn {
  /** Resolves when the bytes are taken and more are welcome. */
  write(bytes: Buffer): Promise<void>;
  /** Ends the COPY; the number of rows the server took. */
  end(): Promise<number>;
  /** Gives up; the transaction, or the savepoint around the COPY, must be rolled back. */
  abort(): Promise<void>;
}

/** The server reads as fast as it writes pages; half a minute without reading is a frozen server. */
const writeSilenceMs = 30_000;
/** At the end the server may still check constraints and flush; longer than this is a fault. */
const endSilenceMs = 120_000;

export function copyIn(client: PoolClient, statement: string): CopyIn {
  const stream: CopyStreamQuery = client.query(copyFrom(statement));
  let failed: Failure | undefined;
  const waiting = new Set<(failure: Failure) => void>();
  const fail = (error: unknown): void => {
    failed ??= translate(error, 'Copying rows');
    for (const reject of waiting) reject(failed);
    waiting.clear();
  };
  stream.on('error', fail);

  const settle = <T>(silenceMs: number, start: (resolve: (value: T) => void) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (failed !== undefined) return reject(failed);
      const timer = setTimeout(() => {
        fail(transient('Silent', 'Copying rows'));
        destroy(client);
      }, silenceMs);
      const rejectOnce = (failure: Failure): void => {
        clearTimeout(timer);
        reject(failure);
      };
      waiting.add(rejectOnce);
      start((value) => {
        clearTimeout(timer);
        waiting.delete(rejectOnce);
        resolve(value);
      });
    });

  return {
    write: (bytes) =>
      settle<void>(writeSilenceMs, (resolve) => {
        // The error itself arrives as the stream's `error` event.
        stream.write(bytes, (error) => (error ? undefined : resolve()));
      }),
    end: () =>
      settle<number>(endSilenceMs, (resolve) => {
        stream.end(() => resolve(stream.rowCount));
      }),
    abort: async () => {
      if (failed !== undefined) return;
      await settle<void>(writeSilenceMs, (resolve) => {
        stream.once('close', () => resolve());
        stream.destroy();
      }).catch(() => undefined);
    },
  };
}

/** Cuts the socket; the driver then fails everything that waits on this connection. */
export function destroy(client: PoolClient): void {
  const connection: unknown = Reflect.get(client, 'connection');
  const socket: unknown =
    typeof connection === 'object' && connection !== null
      ? Reflect.get(connection, 'stream')
      : undefined;
  if (typeof socket === 'object' && socket !== null && 'destroy' in socket) {
    (socket as { destroy(): void }).destroy();
  }
}
