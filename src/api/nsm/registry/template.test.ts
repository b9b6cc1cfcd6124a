import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { maxLabelValue } from './limits.ts';
import { expand } from './template.ts';

const labels = { a: '1', a1: 'q', 'app.kubernetes.io/name': 'web', '': 'empty', ünï: 'u', _x: 'y' };

describe('what Go makes of it too', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    ['{{.a}}', '1'],
    ['{{ .a }}', '1'],
    ['{{\n.a\t}}', '1'],
    ['x{{.a}}y{{.a1}}z', 'x1yqz'],
    ['{{.a}}{{.none}}', '1<no value>'],
    ['{{._x}}{{.ünï}}', 'yu'],
    ['{{index . "app.kubernetes.io/name"}}', 'web'],
    ['{{ index  .  "a" }}', '1'],
    ['{{index\n.\n"a"\n}}', '1'],
    ['{{index . "none"}}', ''],
    ['{{index . ""}}', 'empty'],
    ['{{index . "a}}b"}}', ''],
    ['}}{{.a}}', '}}1'],
    ['$a ${a}', '$a ${a}'],
    ['{{.toString}}{{index . "constructor"}}', '<no value>'],
  ])('%j is %j', (text, expanded) => {
    expect(expand(text, labels)).toBe(expanded);
  });
});

describe('stays as it is, where Go finds an error', () => {
  test.each([
    '{{ .a',
    '{{.a}}{{',
    '{{}}',
    '{{{{.a}}',
    '{{{.a}}}',
    '{{.a-b}}',
    '{{.1a}}',
    '{{ .  a }}',
    '{{.a.b}}',
    '{{index ."a"}}',
    '{{index . "a\nb"}}',
    '{{.a}}{{if}}',
    '{{.a\u00a0}}',
  ])('%j', (text) => {
    expect(expand(text, labels)).toBe(text);
  });
});

describe('stays as it is, where Go knows more', () => {
  test.each([
    '{{.}}',
    '{{- .a -}}',
    '{{index . `a`}}',
    '{{index . "\\x61"}}',
    '{{$.a}}',
    '{{.a|len}}',
    '{{/* a */}}',
  ])('%j', (text) => {
    expect(expand(text, labels)).toBe(text);
  });
});

const name = fc.stringMatching(/^[\p{L}_][\p{L}\p{Nd}_]{0,20}$/u);
const value = fc.string({ maxLength: 20 });
const prose = fc.string({ maxLength: 20 }).filter((text) => !text.includes('{'));

test('text and labels come out in order', () => {
  const part = fc.oneof(
    prose.map((text) => ({ text, key: null, form: 'text' as const })),
    fc.record({ text: fc.constant(''), key: name, form: fc.constantFrom('dot' as const, 'index' as const) }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 10 }), fc.dictionary(name, value), (parts, known) => {
      const written = parts.map(({ text, key, form }) => {
        if (key === null) return text;
        return form === 'dot' ? `{{ .${key} }}` : `{{index . "${key}"}}`;
      });
      const meant = parts.map(({ text, key, form }) => {
        if (key === null) return text;
        return Object.hasOwn(known, key) ? known[key] : form === 'dot' ? '<no value>' : '';
      });
      expect(expand(written.join(''), known)).toBe(meant.join(''));
    }),
  );
});

test('any text gives some text, and text without an action itself', () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(name, value), (text, known) => {
      const expanded = expand(text, known);
      if (!text.includes('{{')) expect(expanded).toBe(text);
    }),
  );
});

test('what would grow longer than a label stays as it is', () => {
  const long = { a: 'x'.repeat(maxLabelValue) };
  expect(expand('{{.a}}', long)).toBe(long.a);
  expect(expand('{{.a}}{{.a}}', long)).toBe('{{.a}}{{.a}}');
});
