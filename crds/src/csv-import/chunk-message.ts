import { Type, type Static } from 'typebox';

/** One unit of work on the queue: a range of the source, never its rows. */
export const chunkMessage = Type.Object(
  {
    v: Type.Literal(1),
    import: Type.String({ maxLength: 36 }),
    chunk: Type.Integer({ minimum: 0 }),
    offset: Type.Integer({ minimum: 0 }),
    length: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);
export type ChunkMessage = Static<typeof chunkMessage>;
