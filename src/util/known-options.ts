import { invalidArgument } from "../errors.js";
import { shown } from "./arguments.js";
import { didYouMean } from "./nearest-name.js";

/**
 * Refuses options that a call does not know: of a misspelt one the default would be taken without a word. `names` are those
 * of the type of `options`, all of them and no other, as TypeScript checks; false for one that is not the caller's to set.
 * `place` is the call, or the argument that holds the options. Cost: a look at each key. Returns the options.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT naming the place, the option, the nearest known one and all known ones.
 */
export function knownOptions<T extends object, Names extends Record<keyof T, boolean>>(
  place: string,
  options: T,
  names: Names & Record<Exclude<keyof Names, keyof T>, never>,
): T {
  // Arrays, maps and the like are objects whose keys say nothing.
  if (Object.prototype.toString.call(options) !== "[object Object]") {
    throw invalidArgument(
      `expected an object of options of ${place} but received ${shown(options)} of type ${typeof options}`,
    );
  }
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(names, key));
  if (unknown === undefined) return options;
  const known = Object.entries<boolean>(names).flatMap(([name, isOpen]) => (isOpen ? [name] : []));
  throw invalidArgument(
    `unknown option ${shown(JSON.stringify(unknown))} of ${place}${didYouMean(unknown, known)} (allowed: ${known.join(", ")})`,
  );
}
