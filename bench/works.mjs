/** What is measured: whole calls, from a matrix on disk to the result in memory. */
import { openMatrix, recommend, similarItems, similarUsers } from "../dist/index.js";

/** Users whose neighbours the peers can find in reasonable time. */
const QUERY_USERS = { tiny: 500, small: 2_000, large: 500 };

async function withMatrix(path, use) {
  const matrix = await openMatrix(path);
  try {
    return await use(matrix);
  } finally {
    matrix.close();
  }
}

/** Each: what it is called, the options both sides get, our call, and our scores as [rows, width]. */
export function worksOf(size) {
  const range = { begin: 0, end: QUERY_USERS[size] };
  const similar = (axis, k, rows) => ({
    name: `similar-${axis}-${k}`,
    title: `${axis === "items" ? "item-item" : "user-user"} cosine top-${k}${rows === undefined ? "" : `, ${rows} users`}`,
    task: { kind: "similar", axis, k, rows: rows ?? null },
    run: (path, threads) =>
      withMatrix(path, (matrix) => {
        const options = { k, threads, includeSelf: true, ...(rows === undefined ? {} : { range }) };
        return (axis === "items" ? similarItems : similarUsers)(matrix, options);
      }),
    scores: (result) => ({ scores: result.scores, width: result.k }),
  });
  return [
    similar("items", 20),
    similar("items", 100),
    similar("users", 50, range.end),
    {
      name: "recommend-20",
      title: "item model (20 neighbours) and top-20 for all users, seen items left out",
      task: { kind: "recommend", neighbours: 20, n: 20 },
      run: (path, threads) =>
        withMatrix(path, (matrix) => recommend(matrix, { n: 20, neighbours: 20, threads, fallback: false })),
      scores: (result) => ({ scores: result.scores, width: result.n }),
    },
  ];
}
