/**
 * The baseline of POST /increment: the same framework, parsing and validating the same body in its
 * ordinary way, and an empty 200. Whatever the gateway costs above it is what exactness costs.
 *
 *   node hack/bench/increment-pipeline/empty-server.ts <port>
 */
import { fastify } from 'fastify';

const body = {
  type: 'object',
  required: ['key', 'value'],
  additionalProperties: false,
  properties: {
    key: {
      type: 'string',
      pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
    },
    value: { type: 'integer', minimum: 1 },
  },
};

const app = fastify({
  logger: false,
  // As strict as the gateway: nothing is dropped or converted silently.
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
});
app.post('/increment', { schema: { body } }, async (_request, reply) => reply.send());
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
