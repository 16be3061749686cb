/** What the parts of a campaign are made of. */
import { z } from "zod";

/** Money is a whole number of minor units (cents). */
export const moneyMinor = z.number().int().min(0).max(1e13);
export const column = z.string().min(1).max(256);
export const share = z.number().min(0).max(1);
export const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
