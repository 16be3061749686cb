// A k-d tree that owns its arrays, built level by level as the library does.
#ifndef COUPONCAST_TESTS_KD_TREE_FOR_TEST_H_
#define COUPONCAST_TESTS_KD_TREE_FOR_TEST_H_

#include <vector>

#include "couponcast/kd_tree.h"
#include "density/kd_node.h"
#include "tests/test_util.h"

namespace couponcast::testing {

class TestTree {
 public:
  TestTree(const std::vector<float>& points, int64_t dims, int64_t levels_at_once = 1000)
      : rows_(static_cast<int64_t>(points.size()) / dims), dims_(dims) {
    const int64_t leaves = KdLeaves(rows_);
    order_.resize(static_cast<size_t>(rows_));
    blocks_.resize(static_cast<size_t>(leaves * dims * kLeafPoints));
    boxes_.resize(static_cast<size_t>((2 * leaves - 1) * 2 * dims));
    Build(points, {0, {0, leaves}}, levels_at_once);
  }

  KdTree tree() const { return {rows_, dims_, order_, blocks_, boxes_}; }
  const std::vector<int32_t>& order() const { return order_; }
  const std::vector<float>& boxes() const { return boxes_; }

 private:
  void Build(const std::vector<float>& points, const KdNode& node, int64_t levels) {
    EXPECT_OK(BuildKdTree(points, dims_, node.leaves, levels, {}, {order_, blocks_, boxes_}));
    Continue(points, node, levels, levels);
  }
  void Continue(const std::vector<float>& points, const KdNode& node, int64_t left, int64_t levels) {
    if (left == 0) {
      Build(points, node, levels);
    } else if (!node.IsLeaf()) {
      Continue(points, node.Left(), left - 1, levels);
      Continue(points, node.Right(), left - 1, levels);
    }
  }

  int64_t rows_;
  int64_t dims_;
  std::vector<int32_t> order_;
  std::vector<float> blocks_;
  std::vector<float> boxes_;
};

inline double PlainSquared(const std::vector<float>& points, int64_t dims, int64_t a, int64_t b) {
  double sum = 0;
  for (int64_t dim = 0; dim < dims; ++dim) {
    const double difference =
        static_cast<double>(points[static_cast<size_t>(a * dims + dim)]) - static_cast<double>(points[static_cast<size_t>(b * dims + dim)]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_KD_TREE_FOR_TEST_H_
