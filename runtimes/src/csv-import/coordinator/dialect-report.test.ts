import { progress } from '@millrace/crds/csv-import';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { standardDialect } from '../../csv/dialect.ts';
import { sniff } from '../../csv/sniff.ts';
import { dialectReport } from './dialect-report.ts';

const isDialect = Compile(progress.properties.dialect);

describe('dialectReport', () => {
  it('tells confidence, reasons and the other reading of an ambiguous file', () => {
    const bytes = Buffer.from('Title\nname,city,role\nAnn,Berlin,clerk\nBob,Paris,cook\n');
    const { dialect, ...findings } = sniff(bytes, {}, { isWholeFile: true });
    const report = dialectReport(dialect, findings);

    expect([...isDialect.Errors(report)]).toEqual([]);
    expect(report).toMatchObject({
      preambleLines: 1,
      ambiguous: true,
      runnerUp: '{"header":"Absent"}',
    });
    expect(report.reasons?.join()).toContain('preamble: one line');
  });

  it('tells the dialect alone where an older version pinned nothing else', () => {
    const report = dialectReport({ ...standardDialect, delimiter: 0x20, spacesMin: 2 }, undefined);

    expect([...isDialect.Errors(report)]).toEqual([]);
    expect(report).toEqual({
      delimiter: 'WideSpaces',
      quote: '"',
      escape: 'Doubled',
      encoding: 'UTF-8',
      header: true,
      preambleLines: 0,
    });
  });

  it('shortens what is longer than status allows', () => {
    const findings = {
      confidence: 1,
      ambiguous: true,
      reasons: [],
      runnerUp: { delimiter: 'x'.repeat(1_000) },
    };

    expect([...isDialect.Errors(dialectReport(standardDialect, findings))]).toEqual([]);
  });
});
