/** Play whose pods are started by another program: `node play-main.ts <words as JSON> <arguments of play…>`. */
import { main } from '../../play/command.ts';

const [program = '[]', ...args] = process.argv.slice(2);
await main(args, { program: JSON.parse(program) as string[] });
