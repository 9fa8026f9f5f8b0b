/**
 * Where people watch: bars redrawn in place on a terminal, plain lines elsewhere, always on standard
 * error, since standard output is for results. Other lines are put above the bars. Plain lines come
 * when the state changes and else every few seconds, so that a log stays readable.
 */
import type { ResourceView } from '../kinds/play-kind.ts';
import { barLine, plainLine } from './progress-line.ts';

export interface ScreenOptions {
  readonly out: NodeJS.WriteStream;
  now(): number;
}

const plainIntervalMs = 5_000;

export class Screen {
  readonly #options: ScreenOptions;
  readonly #told = new Map<string, { state: string; text: string; atMs: number }>();
  #bars: readonly string[] = [];
  #drawn = 0;
  /** What was shown last, also after it was left behind. */
  #shown = '';

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  line(text: string): void {
    this.#erase();
    this.#options.out.write(`${text}\n`);
    this.#draw();
  }

  show(views: readonly ResourceView[]): void {
    const { out } = this.#options;
    if (!out.isTTY) {
      this.#tell(views);
      return;
    }
    const bars = views.map((view) => barLine(view, out.columns));
    if (bars.join('\n') === this.#shown) return;
    this.#erase();
    this.#bars = bars;
    this.#shown = bars.join('\n');
    this.#draw();
  }

  /** Leaves the bars where they are; they come again below only if something changes. */
  close(): void {
    this.#bars = [];
    this.#drawn = 0;
  }

  #tell(views: readonly ResourceView[]): void {
    const nowMs = this.#options.now();
    for (const view of views) {
      const state = `${view.state} ${view.backendsDown.join()}`;
      const told = this.#told.get(view.name);
      const text = plainLine(view);
      const isDue = told === undefined || nowMs - told.atMs >= plainIntervalMs;
      const isNews = isDue && !view.isOver && !(view.percent === undefined && told?.text === text);
      if (told?.state === state && !isNews) continue;
      this.#told.set(view.name, { state, text, atMs: nowMs });
      this.#options.out.write(`${text}\n`);
    }
  }

  #erase(): void {
    if (this.#drawn > 0) this.#options.out.write(`\x1b[${String(this.#drawn)}A\x1b[0J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#bars.length === 0) return;
    this.#options.out.write(`${this.#bars.join('\n')}\n`);
    this.#drawn = this.#bars.length;
  }
}
