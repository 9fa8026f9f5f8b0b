/** A page that is drawn again and again in its own place. */
import { stripVTControlCharacters } from 'node:util';
import type { KubeObject } from '../../machinery/kube-api.ts';
import type { KindPreview } from '../../machinery/preview.ts';
import type { CliContext } from '../context.ts';
import { paintFor } from '../words.ts';
import { pageOf, viewOf } from './rows.ts';

/** Draws over what it drew before; says nothing where nothing but the age has changed. */
export function drawing(
  { out, now }: CliContext,
  preview: KindPreview,
): (resource: KubeObject) => void {
  let drawnLines = 0;
  let drawn = '';
  return (resource) => {
    const view = viewOf(resource, preview);
    if (JSON.stringify(view) === drawn) return;
    drawn = JSON.stringify(view);
    const look = { paint: paintFor(out), now: now(), isTerminal: out.isTerminal };
    const lines = pageOf(view, preview.ledger, look);
    if (out.isTerminal && drawnLines > 0) out.write(`\x1b[${drawnLines}A\x1b[J`);
    out.write(`${lines.join('\n')}\n`);
    const height = (line: string): number =>
      Math.max(1, Math.ceil(stripVTControlCharacters(line).length / out.columns));
    drawnLines = lines.reduce((sum, line) => sum + height(line), 0);
  };
}
