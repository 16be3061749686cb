// Limits of a container's header: the writer keeps to them and the reader refuses what exceeds them.
#ifndef COUPONCAST_STORE_TENSOR_LIMITS_H_
#define COUPONCAST_STORE_TENSOR_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace couponcast {

inline constexpr int64_t kMaxHeaderBytes = int64_t{16} << 20;
inline constexpr size_t kMaxHeaderEntries = 4096;  // tensors, and __metadata__
inline constexpr size_t kMaxRank = 8;

}  // namespace couponcast

#endif  // COUPONCAST_STORE_TENSOR_LIMITS_H_
