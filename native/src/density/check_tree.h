// Argument checks of the kernels over a k-d tree.
#ifndef COUPONCAST_DENSITY_CHECK_TREE_H_
#define COUPONCAST_DENSITY_CHECK_TREE_H_

#include <string>

#include "base/check.h"
#include "couponcast/kd_tree.h"

namespace couponcast {

inline Status CheckTree(const KdTree& tree) {
  if (tree.dims < 1) return InvalidArgument("expected dims >= 1 but received " + std::to_string(tree.dims));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("points", tree.rows + kLeafPoints));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", tree.order.size(), tree.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("blocks", tree.blocks.size(), tree.leaves() * tree.dims * kLeafPoints));
  return CheckSize("boxes", tree.boxes.size(), (2 * tree.leaves() - 1) * 2 * tree.dims);
}

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_CHECK_TREE_H_
