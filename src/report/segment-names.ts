import { featureWords } from "./features.js";
import type { FeatureInfo } from "./segment-data.js";
import { capitalised } from "./text.js";

/** A mean nearer than this to everybody's mean, in standard deviations, tells nothing about a segment. */
const TELLING = 0.3;

/** Traits in a name at first; more are added only to tell two segments apart. */
const TRAITS = 2;

/**
 * Names each segment by what sets it apart most from all users, for example "Big spenders, recently active".
 * Names differ: where two would be alike, the later one gets further traits, then a number.
 * @param standardisedMeans per segment, the mean of each feature in standard deviations from the mean of all users;
 *   null where unknown. Ties: the feature listed first.
 */
export function nameSegments(
  features: readonly FeatureInfo[],
  standardisedMeans: readonly (readonly (number | null)[])[],
): string[] {
  if (standardisedMeans.length === 1) return ["All shoppers"];
  const taken = new Set<string>();
  return standardisedMeans.map((means) => {
    const traits = tellingTraits(features, means);
    const nameOf = (n: number) => (n === 0 ? "Average shoppers" : capitalised(traits.slice(0, n).join(", ")));
    const shortest = Math.min(TRAITS, traits.length);
    for (let n = shortest; n <= traits.length; n++) if (addTo(taken, nameOf(n))) return nameOf(n);
    let number = 2;
    while (!addTo(taken, `${nameOf(shortest)} (${number})`)) number++;
    return `${nameOf(shortest)} (${number})`;
  });
}

/** Strongest first, but the strongest of each group of like features before any second one of a group. */
function tellingTraits(features: readonly FeatureInfo[], means: readonly (number | null)[]): string[] {
  const groups = new Map<string, number>();
  const traits = features
    .map((feature, index) => ({ words: featureWords(feature), z: means[index] ?? 0, index }))
    .filter(({ z }) => Math.abs(z) >= TELLING)
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z) || a.index - b.index)
    .map(({ words, z }) => {
      const round = groups.get(words.group) ?? 0;
      groups.set(words.group, round + 1);
      return { round, trait: z > 0 ? words.high : words.low };
    })
    .sort((a, b) => a.round - b.round);
  return [...new Set(traits.map(({ trait }) => trait))];
}

function addTo(taken: Set<string>, name: string): boolean {
  if (taken.has(name)) return false;
  taken.add(name);
  return true;
}
