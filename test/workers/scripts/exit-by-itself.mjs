// Uses the library and returns: idle worker threads must not keep a process alive. Arguments: matrix file.
import { openMatrix, recommend } from "../../../dist/index.js";

const matrix = await openMatrix(process.argv[2]);
const { counts } = await recommend(matrix, { n: 2, threads: 2 });
console.log(`rows ${counts.length}`);
