import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { preparedPipeline } from '../../../test/increment-worker.ts';
import { pipelineGateway } from '../../../test/pipeline-gateway.ts';

const key = '0b3c9d52-6f0e-4a57-9c1f-2d8e7a6b5c40';

describe.skipIf(lacks('postgres', 'redis'))('taking increments', () => {
  it('answers 200 with nothing but the name of the entry', async () => {
    await using pipeline = await preparedPipeline({ durability: 'Fsync' });
    await using gateway = await pipelineGateway(pipeline);

    const answer = await gateway.post('/increment', { key, value: 5 });

    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers.get('content-type')).toBeNull();
    expect(answer.headers.get('millrace-durability')).toBeNull();
    expect(answer.headers.get('millrace-entry')).toMatch(/^[01]-1-\d+-\d+$/);
    expect((await gateway.get(`/counts/${key}?fresh=true`)).text).toContain('"value":5');
    expect(await gateway.progress()).toMatchObject({ state: 'Running', totals: { accepted: 1 } });
  });
});
