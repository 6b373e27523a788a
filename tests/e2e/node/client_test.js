// A client in Node that @grpc/grpc-js and @grpc/proto-loader make from the protos gets from both
// services what the protocol says.
//
//   node --test client_test.js     with SOUVENIR_COMPUTE and SOUVENIR_GATEWAY, host:port each
//
// ../node_client_test.py starts the services and runs this.

'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { after, describe, it } = require('node:test');

const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const PROTOS = path.join(__dirname, '..', '..', '..', 'protos');
const DEADLINE_SECONDS = 120;
const CANCELLED_AT_ONCE = 5;

function load(file) {
  const definition = protoLoader.loadSync(file, {
    includeDirs: [PROTOS], keepCase: true, longs: String, enums: String, defaults: true,
  });
  return grpc.loadPackageDefinition(definition);
}

const { inference } = load('inference/grpc_service.proto');
const { souvenir } = load('souvenir/v1/translation.proto');

function deadline() {
  return { deadline: Date.now() + 1000 * DEADLINE_SECONDS };
}

// Resolves to the answer, or rejects with the status.
function call(client, method, request, headers = {}) {
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) sent.set(name, value);
  return new Promise((resolve, reject) => {
    client[method](request, sent, deadline(), (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

function int32s(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32LE(value, 4 * i));
  return bytes;
}

function readInt32s(bytes) {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i));
}

// Encodes elements of BYTES: each follows its length.
function frame(...elements) {
  return Buffer.concat(elements.flatMap((element) => {
    const bytes = Buffer.from(element);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  }));
}

const SIXTEEN = Array.from({ length: 16 }, (_, i) => i);

function simpleRequest(id = '') {
  return {
    model_name: 'simple',
    id,
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 16] },
             { name: 'INPUT1', datatype: 'INT32', shape: [1, 16] }],
    raw_input_contents: [int32s(...SIXTEEN), int32s(...SIXTEEN.map(() => 2))],
  };
}

async function assertFails(promise, code, ...parts) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.details);
    for (const part of parts) assert.match(error.details, part);
    return true;
  });
}

for (const service of ['compute', 'gateway']) {
  const address = process.env[`SOUVENIR_${service.toUpperCase()}`];
  assert.ok(address, `SOUVENIR_${service.toUpperCase()} is not set: the address of the ${service}`);

  describe(`the Open Inference Protocol of the ${service}`, () => {
    const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure());
    after(() => client.close());

    it('tells that it lives, and which extensions it has', async () => {
      assert.equal((await call(client, 'ServerLive', {})).live, true);
      assert.equal((await call(client, 'ServerReady', {})).ready, true);
      const answer = await call(client, 'ServerMetadata', {});
      assert.match(answer.name, /souvenir/);
      assert.ok(answer.version);
      assert.ok(answer.extensions.includes('model_repository'), answer.extensions.join());
    });

    it('describes a model', async () => {
      assert.equal((await call(client, 'ModelReady', { name: 'simple' })).ready, true);
      const answer = await call(client, 'ModelMetadata', { name: 'simple' });
      assert.deepEqual(answer.inputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
                       [['INPUT0', 'INT32', ['-1', '16']], ['INPUT1', 'INT32', ['-1', '16']]]);
      const { config } = await call(client, 'ModelConfig', { name: 'simple' });
      assert.equal(config.max_batch_size, 8);
    });

    it('computes on raw tensors', async () => {
      const answer = await call(client, 'ModelInfer', simpleRequest('mine'));
      assert.equal(answer.id, 'mine');
      assert.equal(answer.model_name, 'simple');
      assert.deepEqual(answer.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
                       [['OUTPUT0', 'INT32', ['1', '16']], ['OUTPUT1', 'INT32', ['1', '16']]]);
      assert.deepEqual(answer.raw_output_contents.map(readInt32s),
                       [SIXTEEN.map((value) => value + 2), SIXTEEN.map((value) => value - 2)]);
    });

    it('computes on typed tensors', async () => {
      const texts = ['0', '1', ...SIXTEEN.slice(2).map(String)].map((text) => Buffer.from(text));
      const answer = await call(client, 'ModelInfer', {
        model_name: 'simple_string',
        inputs: ['INPUT0', 'INPUT1'].map((name) => ({
          name, datatype: 'BYTES', shape: [1, 16], contents: { bytes_contents: texts },
        })),
        outputs: [{ name: 'OUTPUT0' }],
      });
      assert.equal(answer.outputs.length, 1);
      assert.deepEqual(answer.raw_output_contents,
                       [frame(...SIXTEEN.map((value) => String(2 * value)))]);
    });

    it('gives bytes back as they came', async () => {
      const data = frame(Buffer.from([0, 255, 10]), '', 'größer', '中文');
      const answer = await call(client, 'ModelInfer', {
        model_name: 'simple_identity',
        inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [4, 1] }],
        raw_input_contents: [data],
      });
      assert.deepEqual(answer.raw_output_contents, [data]);
    });

    it('refuses what does not fit, and says what came and what was expected', async () => {
      const { INVALID_ARGUMENT, NOT_FOUND } = grpc.status;
      const wrong = (change) => {
        const request = simpleRequest();
        change(request);
        return call(client, 'ModelInfer', request);
      };
      await assertFails(wrong((request) => { request.model_name = 'nobody'; }), NOT_FOUND, /nobody/);
      await assertFails(wrong((request) => { request.inputs[0].datatype = 'FP32'; }),
                        INVALID_ARGUMENT, /INPUT0/, /FP32/, /INT32/);
      await assertFails(wrong((request) => { request.inputs[1].shape = [1, 15]; }),
                        INVALID_ARGUMENT, /INPUT1/, /15/);
      await assertFails(wrong((request) => { request.inputs.pop(); request.raw_input_contents.pop(); }),
                        INVALID_ARGUMENT, /INPUT1/);
      await assertFails(
          wrong((request) => { request.raw_input_contents[0] = int32s(1); }), INVALID_ARGUMENT, /INPUT0/);
    });

    it('answers a stream as answers come, each with its id', async () => {
      const stream = client.ModelStreamInfer(new grpc.Metadata(), deadline());
      const wrong = simpleRequest('wrong');
      wrong.inputs[0].datatype = 'FP32';
      const ids = SIXTEEN.map((value) => `request ${value}`);
      for (const id of ids) stream.write(simpleRequest(id));
      stream.write(wrong);
      stream.end();
      const errors = new Map();
      for await (const answer of stream) errors.set(answer.infer_response.id, answer.error_message);
      assert.deepEqual([...errors.keys()].sort(), [...ids, 'wrong'].sort());
      assert.match(errors.get('wrong'), /FP32/);
      for (const id of ids) assert.equal(errors.get(id), '');
    });

    it('lets a caller go', async () => {
      const request = {
        model_name: 'custom_identity_int32',
        inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 1] }],
        raw_input_contents: [int32s(CANCELLED_AT_ONCE)],
      };
      await new Promise((resolve) => {
        const running = client.ModelInfer(request, deadline(), (error) => {
          // The request may be answered already. Its outcome comes once in either case.
          if (error) assert.equal(error.code, grpc.status.CANCELLED);
          resolve();
        });
        running.cancel();
      });
      assert.equal((await call(client, 'ServerReady', {})).ready, true);
    });
  });
}

describe('translation at the gateway', () => {
  const client = new souvenir.v1.TranslationService(process.env.SOUVENIR_GATEWAY,
                                                    grpc.credentials.createInsecure());
  after(() => client.close());
  const request = {
    text: 'The house is red.', source_language: 'en', target_languages: ['es', 'tlh'],
  };

  it('answers each target by itself, from memory the second time', async () => {
    for (const kind of ['CACHE_KIND_MISS', 'CACHE_KIND_MEMORY']) {
      const { translations } = await call(client, 'Translate', request);
      assert.deepEqual(translations.map((translation) => translation.target_language), ['es', 'tlh']);
      assert.equal(translations[0].text, 'La casa es roja.');
      assert.equal(translations[0].provenance.kind, kind);
      assert.equal(translations[1].status.code, grpc.status.NOT_FOUND);
    }
  });

  it('does as cache-control says', async () => {
    const answer = await call(client, 'Translate', { ...request, target_languages: ['es'] },
                                  { 'cache-control': 'no-store' });
    assert.equal(answer.translations[0].provenance.kind, 'CACHE_KIND_BYPASS');
    await assertFails(call(client, 'Translate', request, { 'cache-control': 'no-cash' }),
                      grpc.status.INVALID_ARGUMENT, /no-cash/);
  });

  it('streams the targets as they are ready', async () => {
    const stream = client.StreamTranslate(request, new grpc.Metadata(), deadline());
    const codes = new Map();
    for await (const { target_language: target, status } of stream) {
      codes.set(target, status === null ? grpc.status.OK : status.code);
    }
    assert.deepEqual(codes, new Map([['es', grpc.status.OK], ['tlh', grpc.status.NOT_FOUND]]));
  });
});
