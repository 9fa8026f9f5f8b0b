/** Where play keeps what outlives it; one folder, safe to delete while no play runs. */
import { join } from 'node:path';

export interface StatePaths {
  readonly root: string;
  readonly lock: string;
  readonly objects: string;
  readonly claims: string;
  readonly secrets: string;
  readonly backends: string;
  readonly volumes: string;
  readonly compileCache: string;
}

export function statePaths(root: string): StatePaths {
  return {
    root,
    lock: join(root, 'play.lock'),
    objects: join(root, 'objects.json'),
    claims: join(root, 'claims.json'),
    secrets: join(root, 'secrets.json'),
    backends: join(root, 'backends'),
    volumes: join(root, 'volumes'),
    compileCache: join(root, 'compile-cache'),
  };
}
