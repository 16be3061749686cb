/** What is measured: whole calls, from a matrix on disk to the result in memory. */
import { couponAffinity, ItemRecommender, openMatrix, recommend, similarItems, similarUsers } from "../dist/index.js";
import { COUPONS, NEIGHBOURS, readModel, readScopes } from "./peers/given.mjs";

/** Users whose neighbours, and whose recommendations, are asked for where all would take the peers hours. */
const LARGE_QUERY_USERS = 20_000;
const LARGE_RECOMMEND_USERS = 100_000;
const ONE_BY_ONE_USERS = 2_000;

async function withMatrix(path, use) {
  const matrix = await openMatrix(path);
  try {
    return await use(matrix);
  } finally {
    matrix.close();
  }
}

const count = (users) => (users === undefined ? "all users" : `${users.toLocaleString("en")} users`);
const WEIGHTINGS = { cosine: "cosine", tfidf: "TF-IDF", bm25: "BM25" };

/**
 * Each: what it is called, the options both sides get (`task`), and of ours
 *   prepare(path, given)   what is there beforehand, not timed
 *   run(path, threads, prepared)
 *   scores(result)         the table that is compared
 *   isSingle               whether it has one thread, whatever is asked for
 *   took(result)           of works that are many calls: seconds of each
 */
export function worksOf(size) {
  const similar = (axis, weighting, k, rows) => ({
    name: `similar-${axis}${weighting === "cosine" ? "" : `-${weighting}`}-${k}`,
    title: `${axis === "items" ? "item-item" : "user-user"} ${WEIGHTINGS[weighting]} top-${k}${axis === "items" ? "" : `, ${count(rows)}`}`,
    task: { kind: "similar", axis, weighting, k, rows: rows ?? null },
    prepare: () => undefined,
    run: (path, threads) =>
      withMatrix(path, (matrix) => {
        const range = rows === undefined ? undefined : { begin: 0, end: rows };
        const options = { similarity: weighting, neighbours: k, threads, range, includeSelf: true };
        return (axis === "items" ? similarItems : similarUsers)(matrix, options);
      }),
    scores: (result) => result.scores,
  });
  const recommended = size === "large" ? LARGE_RECOMMEND_USERS : undefined;
  const affinity = (order, title) => ({
    name: `affinity-${COUPONS}-${order}`,
    title: `affinity to ${COUPONS} coupons, all users (${title})`,
    task: { kind: "affinity", order, coupons: COUPONS, neighbours: NEIGHBOURS },
    prepare: (path, given) =>
      withMatrix(path, (matrix) => ({ model: readModel(given), scopes: readScopes(given, matrix) })),
    run: (path, threads, { model, scopes }) =>
      withMatrix(path, (matrix) => couponAffinity(matrix, scopes, { model, threads })),
    // Without the last column, which is all items together.
    scores: ({ values }) => values.filter((_, at) => at % (COUPONS + 1) < COUPONS),
  });
  return [
    similar("items", "cosine", 20),
    similar("items", "cosine", 100),
    similar("items", "tfidf", 20),
    similar("items", "bm25", 20),
    similar("users", "cosine", 50, size === "large" ? LARGE_QUERY_USERS : undefined),
    {
      name: "recommend-20",
      title: `top-20 from a model of ${NEIGHBOURS} neighbours, seen items left out, ${count(recommended)}`,
      task: { kind: "recommend", neighbours: NEIGHBOURS, n: 20, rows: recommended ?? null },
      prepare: (_, given) => readModel(given),
      run: (path, threads, model) =>
        withMatrix(path, (matrix) => {
          const range = recommended === undefined ? undefined : { begin: 0, end: recommended };
          return recommend(matrix, { n: 20, model, threads, range, fallback: false });
        }),
      scores: (result) => result.scores,
    },
    affinity("join", "peers: all item scores, then a join"),
    affinity("product", "peers: users x (model x coupons)"),
    {
      name: "one-user-20",
      title: "the same for one user at a time",
      task: { kind: "one", neighbours: NEIGHBOURS, n: 20, rows: ONE_BY_ONE_USERS },
      prepare: (path, given) =>
        withMatrix(path, async (matrix) => ({
          recommender: await ItemRecommender.create(matrix, { n: 20, model: readModel(given), fallback: false }),
          rows: Array.from({ length: ONE_BY_ONE_USERS }, (_, user) => matrix.userRow(user)),
        })),
      run: async (_, __, { recommender, rows }) => {
        const took = new Float64Array(rows.length);
        const table = new Float32Array(rows.length * 20);
        for (const [user, { indices, values }] of rows.entries()) {
          const start = performance.now();
          const { scores } = recommender.recommendColumns(indices, values);
          took[user] = (performance.now() - start) / 1000;
          table.set(scores, user * 20);
        }
        return { table, took };
      },
      scores: ({ table }) => table,
      isSingle: true,
      took: ({ took }) => took,
    },
    {
      name: "open",
      title: "opening the matrix, then one user's row (peers: reading all of it)",
      task: { kind: "open" },
      prepare: () => undefined,
      run: (path) => withMatrix(path, (matrix) => matrix.userRow(matrix.numUsers >> 1).values),
      scores: (values) => values,
      isSingle: true,
    },
  ];
}
