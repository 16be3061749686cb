#ifndef COUPONCAST_BASE_AXPY_H_
#define COUPONCAST_BASE_AXPY_H_

#include <cstdint>

namespace couponcast {

// y[i] += a * x[i] for `count` entries. Multiply, then add (no fused form): every SIMD target gives the same bits.
void Axpy(float a, const float* x, int64_t count, float* y);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_AXPY_H_
