/** 1 / (1 + exp(-z)): the chance that a logit stands for. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}
