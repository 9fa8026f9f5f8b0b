import { describe, expect, test } from 'vitest';
import { withoutObjects } from './quoted-values.ts';

describe('a message of the server', () => {
  test.each([
    [
      'loses an object quoted as text, escapes and all',
      String.raw`patch: Invalid value: "{\"data\":{\"a\":\"c2VjcmV0\\\"}\"}}": strict decoding error: unknown field "nope"`,
      'patch: Invalid value: (object): strict decoding error: unknown field "nope"',
    ],
    [
      'loses a bare object, also one with braces inside its texts',
      'spec.template: Invalid value: {"a":[{"b":"}: secret"}],"c":{}}: field is immutable',
      'spec.template: Invalid value: (object): field is immutable',
    ],
    [
      'loses an object that is printed as Go, of whatever type',
      'a: Invalid value: core.PodTemplateSpec{Env:[]core.EnvVar{core.EnvVar{Value:"}s"}}}: no, ' +
        'b: Invalid value: []core.EnvVar{{Value:"s"}}: no, c: Invalid value: &v1.Secret{Name:"s"}: no, ' +
        'd: Invalid value: map[string]interface {}{"a":map[string]string{"b":"s"}}: no',
      'a: Invalid value: (object): no, b: Invalid value: (object): no, c: Invalid value: (object): no, ' +
        'd: Invalid value: (object): no',
    ],
    [
      'loses each of several',
      'x: Invalid value: {"a":1}: no, y: Invalid value: ["b"]: neither',
      'x: Invalid value: (object): no, y: Invalid value: (object): neither',
    ],
    [
      'loses everything after an object that never ends',
      'Invalid value: "{\\"a',
      'Invalid value: (object)',
    ],
    [
      'keeps plain values',
      'spec.mode: Invalid value: "On": must be one of, spec.max: Invalid value: 65: too large',
      'spec.mode: Invalid value: "On": must be one of, spec.max: Invalid value: 65: too large',
    ],
    ['keeps a text that has none', 'pods "a" not found', 'pods "a" not found'],
  ])('%s', (_what, given, kept) => {
    expect(withoutObjects(given)).toBe(kept);
  });
});
