/** How far a long verification is: a bar on a terminal, a line now and then elsewhere. */
import type { VerifyProgress } from '@millrace/runtimes/csv-import/verify/verify';
import { count } from '../play/view/figures.ts';

export interface ProgressScreen {
  readonly out: NodeJS.WriteStream;
  readonly now: () => number;
}

const barWidth = 24;
const barIntervalMs = 100;
/** Short recounts should say nothing into a log. */
const plainIntervalMs = 5_000;

export class ProgressBar {
  readonly #screen: ProgressScreen;
  #shownAtMs: number;
  #isDrawn = false;

  constructor(screen: ProgressScreen) {
    this.#screen = screen;
    this.#shownAtMs = screen.now();
  }

  show(progress: VerifyProgress): void {
    const { out, now } = this.#screen;
    const intervalMs = out.isTTY ? barIntervalMs : plainIntervalMs;
    if (progress.phase === 'Reading' && now() - this.#shownAtMs < intervalMs) return;
    // The comparison of a large table is silent for long, so its beginning is told; not of small ones.
    if (!out.isTTY && progress.records < 1_000_000 && progress.phase === 'Comparing') return;
    this.#shownAtMs = now();
    if (out.isTTY) {
      out.write(`\r\x1b[2K${barLine(progress).slice(0, Math.max(20, out.columns - 1))}`);
      this.#isDrawn = true;
    } else out.write(`${plainLine(progress)}\n`);
  }

  /** Leaves an empty line for what comes next. */
  close(): void {
    if (this.#isDrawn) this.#screen.out.write('\r\x1b[2K');
    this.#isDrawn = false;
  }
}

function percentOf({ doneBytes, bytes }: VerifyProgress): number {
  return bytes === 0 ? 100 : Math.floor((doneBytes / bytes) * 100);
}

function barLine(progress: VerifyProgress): string {
  const percent = percentOf(progress);
  const filled = Math.round((percent / 100) * barWidth);
  const bar = `${'━'.repeat(filled)}${'╌'.repeat(barWidth - filled)}`;
  return `${bar} ${String(percent).padStart(3)} %  ${words(progress)}`;
}

function plainLine(progress: VerifyProgress): string {
  return `${String(percentOf(progress))} %, ${words(progress)}`;
}

function words({ phase, records }: VerifyProgress): string {
  return phase === 'Comparing'
    ? `${count(records)} records read again; comparing them with the tables`
    : `${count(records)} records read again`;
}
