/** 1 / (1 + exp(-z)): the chance that a logit stands for. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** ln(p / (1 - p)) of a chance that is taken to lie at least `least` away from 0 and 1. */
export function logit(p: number, least: number): number {
  const inside = Math.min(Math.max(p, least), 1 - least);
  return Math.log(inside / (1 - inside));
}
