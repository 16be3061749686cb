// The check of a list of rows.
#ifndef COUPONCAST_CLUSTER_KMEANS_ROWS_H_
#define COUPONCAST_CLUSTER_KMEANS_ROWS_H_

#include <cstdint>
#include <span>

#include "couponcast/status.h"

namespace couponcast {

inline Status CheckRows(std::span<const int32_t> rows, int64_t count) {
  for (const int32_t row : rows) {
    if (row < 0 || row >= count)
      return OutOfRange("expected rows within [0, " + std::to_string(count) + ") but received " + std::to_string(row));
  }
  return {};
}

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_ROWS_H_
