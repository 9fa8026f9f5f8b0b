import type { PlayOptions } from './cli.ts';
import type { Screen } from './view/screen.ts';

/** What one run is handed by the command line. */
export interface PlayRun {
  readonly options: PlayOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly screen: Screen;
  /** Words of every pod's command before its own; the runtimes' entry point if left out. */
  readonly program?: readonly string[];
  /** The first wish to end. */
  readonly signal: AbortSignal;
  /** Called with what ends everything at once, for the second wish. */
  onKill(kill: () => void): void;
  /** A line of the result. */
  print(line: string): void;
}
