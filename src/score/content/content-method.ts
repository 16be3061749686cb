import { invalidArgument } from "../../errors.js";
import { type Matrix, openMatrix } from "../../store/matrix.js";
import { ROWS_PER_YIELD, yieldToEventLoop } from "../../util/yield.js";
import type { KernelModel, ScoringMethod } from "../method.js";

export interface ContentMethodOptions {
  /** Of content: a file of writeItemProfiles for the items of the matrix. */
  profiles?: string | undefined;
}

/** Each user's features are weighed one by one, against all items that have them. */
const SHARD_USERS = 2048;

/**
 * score(u, j) = cosine of the user's profile, the mean of his items' profiles by r_ui, and the item's. Items without history
 * are scored like any other, once they are columns of the matrix. Source: native/include/couponcast/profiles.h.
 */
export const content: ScoringMethod<ContentMethodOptions> = {
  name: "content",
  async fit(_, matrix, { profiles }): Promise<KernelModel> {
    if (profiles === undefined) {
      throw invalidArgument("the method content needs profiles", {
        hint: "Write them with `couponcast content`, or writeItemProfiles.",
      });
    }
    const file = await openProfiles(profiles, matrix);
    file.close();
    return contentModel(file.path, file.numItems);
  },
};

function contentModel(profiles: string, numFeatures: number): KernelModel {
  return {
    method: "content",
    args: { profiles: { $matrix: profiles } },
    rank: { kernel: "recommendProfiles", usersPerCall: SHARD_USERS },
    affinity: {
      scopeKernel: "scopeWeightsFeatures",
      rows: numFeatures,
      kernel: "affinityProfiles",
      usersPerCall: SHARD_USERS,
    },
  };
}

/** The profiles of a file, checked to be of the items of `matrix`. Errors: as openMatrix, ERR_COUPONCAST_INVALID_ARGUMENT. */
async function openProfiles(path: string, matrix: Matrix): Promise<Matrix> {
  const profiles = await openMatrix(path);
  try {
    if (profiles.metadata.kind !== "item-profiles")
      throw invalidArgument("expected a file of item profiles", { file: path });
    let same = profiles.numUsers === matrix.numItems;
    for (let begin = 0; same && begin < matrix.numItems; begin += ROWS_PER_YIELD) {
      const end = Math.min(begin + ROWS_PER_YIELD, matrix.numItems);
      const ids = matrix.ids("items", begin, end);
      same = profiles.ids("users", begin, end).every((id, i) => id === ids[i]);
      await yieldToEventLoop();
    }
    if (!same) {
      throw invalidArgument("expected profiles of exactly the items of the matrix", {
        file: path,
        hint: "Write them for this matrix: `couponcast content --matrix`.",
      });
    }
    return profiles;
  } catch (thrown) {
    profiles.close();
    throw thrown;
  }
}
