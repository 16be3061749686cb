import { resolve } from "node:path";
import type { Command } from "commander";
import { count, percent } from "../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../command.js";
import { brief, byteSize, counted, labelled, table } from "../text-layout.js";

interface InspectOptions extends CommonOptions {
  verify?: boolean;
}

const QUANTILES = { min: 0, q25: 0.25, median: 0.5, q75: 0.75, q90: 0.9, q99: 0.99, max: 1 } as const;
type Degrees = Record<keyof typeof QUANTILES | "mean" | "zero", number>;

/** Quantiles of sorted values: the smallest value that at least a share of q do not exceed. */
function describe(sorted: Float64Array): Degrees {
  const at = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
  const quantiles = Object.fromEntries(Object.entries(QUANTILES).map(([name, q]) => [name, at(q)]));
  let sum = 0;
  let zero = 0;
  for (const degree of sorted) {
    sum += degree;
    if (degree === 0) zero++;
  }
  return { ...quantiles, mean: sorted.length > 0 ? sum / sorted.length : 0, zero } as Degrees;
}

export function addInspect(program: Command): void {
  const command = addCommand(program, {
    name: "inspect",
    summary: "what is in a matrix or model file; check it",
    description: `Shows what a file holds. Of a behaviour matrix: shape, density, cells of each user and item, digest and
metadata; reads the header and the row pointers only. Of a model (neighbours and the like, any safetensors file):
its tensors. With --verify everything is read: digest, and of a matrix all that must hold inside it.`,
    examples: [
      ["look at a matrix", "inspect matrix.safetensors"],
      ["check it after a copy; exit code 3 says that it is damaged", "inspect matrix.safetensors --verify --quiet"],
      ["for a script", "inspect matrix.safetensors --json | jq .matrix.nnz"],
    ],
  })
    .argument("<file>", "a .safetensors file")
    .option("--verify", "read everything: check the digest, and the invariants of a matrix");
  addCommonOptions(command);
  setAction<InspectOptions>(command, async (session, [path], { verify = false }) => {
    const { readFileInfo, sortedDegrees, verifyFileDigest } = await import("../../store/inspect-file.js");
    const { openMatrix } = await import("../../store/matrix.js");
    const info = await readFileInfo(resolve(path!));
    const { metadata, bytes, tensors, isMatrix } = info;
    const facts: [string, string][] = [
      ["kind", isMatrix ? "behaviour matrix" : (metadata.kind ?? "tensors")],
      ["size", byteSize(bytes)],
    ];
    const lines = [`${path}`, ""];
    let matrixJson: unknown;
    const degreeLines: string[] = [];
    if (isMatrix) {
      const matrix = await openMatrix(info.path);
      try {
        if (verify) await matrix.verify(session.run());
        const { numUsers, numItems, nnz } = matrix;
        const density = numUsers * numItems > 0 ? nnz / (numUsers * numItems) : 0;
        const users = describe(await sortedDegrees(info.path, "users"));
        const items = describe(await sortedDegrees(info.path, "items"));
        matrixJson = { numUsers, numItems, nnz, density, cellsPerUser: users, cellsPerItem: items };
        facts.push(
          ["shape", `${counted(numUsers, "user")} x ${counted(numItems, "item")}`],
          ["cells", `${count(nnz)} (density ${density > 0 && density < 1e-4 ? brief(density) : percent(density)})`],
        );
        const names = Object.keys(QUANTILES) as (keyof typeof QUANTILES)[];
        const row = (label: string, d: Degrees) => [
          label,
          ...names.map((name) => count(d[name])),
          brief(d.mean),
          count(d.zero),
        ];
        degreeLines.push(
          "",
          ...table(["cells of", ...names, "mean", "none"], [row("a user", users), row("an item", items)]),
        );
      } finally {
        matrix.close();
      }
    } else if (verify) {
      verifyFileDigest(info.path);
    }
    if (verify) facts.push(["verified", isMatrix ? "digest and invariants hold" : "the digest holds"]);
    lines.push(...labelled(facts), ...degreeLines);
    if (!isMatrix) {
      const rows = Object.entries(tensors).map(([name, { dtype, shape }]) => [name, dtype, `[${shape.join(", ")}]`]);
      lines.push("", ...table(["tensor", "dtype", "shape"], rows));
    }
    const known = Object.entries(metadata);
    if (known.length > 0)
      lines.push(
        "",
        "  metadata",
        ...labelled(
          known.map(([key, value]) => [key, value.slice(0, 500)]),
          "    ",
        ),
      );
    return {
      json: {
        path: info.path,
        kind: isMatrix ? "matrix" : (metadata.kind ?? null),
        bytes,
        verified: verify,
        matrix: matrixJson,
        tensors,
        metadata,
      },
      lines,
    };
  });
}
