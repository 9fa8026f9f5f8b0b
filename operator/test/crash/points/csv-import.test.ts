import { provePoints } from '../points.ts';

await provePoints('csv-import', 3_450);
