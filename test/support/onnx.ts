/** A logistic regression as an ONNX file, byte by byte: sigmoid(x W + b). Field numbers: onnx.proto3. */

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}
const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value)]);
const FLOAT = 1;

function tensor(name: string, dims: readonly number[], values: readonly number[]): number[] {
  const raw = [...new Uint8Array(Float32Array.from(values).buffer)];
  return [...dims.flatMap((d) => number(1, d)), ...number(2, FLOAT), ...text(8, name), ...bytes(9, raw)];
}

function node(op: string, inputs: readonly string[], output: string): number[] {
  return [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, op)];
}

function value(name: string, columns: number): number[] {
  const dims = [bytes(1, text(2, "rows")), bytes(1, number(1, columns))].flat();
  return [...text(1, name), ...bytes(2, bytes(1, [...number(1, FLOAT), ...bytes(2, dims)]))];
}

export function logisticOnnx(weights: readonly number[], intercept: number): Uint8Array {
  const graph = [
    ...bytes(1, node("MatMul", ["x", "w"], "xw")),
    ...bytes(1, node("Add", ["xw", "b"], "z")),
    ...bytes(1, node("Sigmoid", ["z"], "p")),
    ...text(2, "logistic"),
    ...bytes(5, tensor("w", [weights.length, 1], weights)),
    ...bytes(5, tensor("b", [1], [intercept])),
    ...bytes(11, value("x", weights.length)),
    ...bytes(12, value("p", 1)),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 13))]);
}
