import { provePoints } from '../points.ts';

await provePoints('increment-pipeline', 2_050);
