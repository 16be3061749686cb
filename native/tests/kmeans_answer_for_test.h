// What an assignment of K-means gives, to compare bit by bit.
#ifndef COUPONCAST_TESTS_KMEANS_ANSWER_FOR_TEST_H_
#define COUPONCAST_TESTS_KMEANS_ANSWER_FOR_TEST_H_

#include <cstdint>
#include <vector>

#include "couponcast/kmeans_filter.h"
#include "tests/test_util.h"

namespace couponcast::testing {

struct KmeansAnswer {
  std::vector<int32_t> labels;
  std::vector<float> distances;
  std::vector<double> sums;
  std::vector<double> weight_sums;
  std::vector<int64_t> counts;
  double inertia = 0;

  KmeansAnswer(size_t rows, size_t k, size_t dims) : labels(rows), distances(rows), sums(k * dims), weight_sums(k), counts(k) {}
  KmeansPartial Partial() { return {sums, weight_sums, counts, 0}; }
  bool operator==(const KmeansAnswer& other) const {
    return labels == other.labels && SameBits(distances, other.distances) && SameBits(sums, other.sums) &&
           SameBits(weight_sums, other.weight_sums) && counts == other.counts && inertia == other.inertia;
  }
};

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_KMEANS_ANSWER_FOR_TEST_H_
