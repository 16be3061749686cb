// Plain code in float64 that results are compared with.
#ifndef COUPONCAST_BENCH_NATIVE_PLAIN_H_
#define COUPONCAST_BENCH_NATIVE_PLAIN_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/weighting.h"

namespace couponcast::bench {

// Largest relative difference between a float32 sum of thousands of terms and the plain one.
inline constexpr double kTolerance = 1e-4;

bool Near(double actual, double expected, double tolerance = kTolerance);

// A few rows of a range, evenly spaced.
std::vector<int64_t> SampleRows(RowRange range);

// Cosine similarity of one row to all others, itself left out.
std::vector<double> PlainSimilarities(const CsrView& documents, const CsrView& terms, int64_t row);

// sum_i r_ui s_ij for all items j; seen ones 0.
std::vector<double> PlainItemScores(const CsrView& users, const NeighbourLists& model, int64_t user);

// What is wrong with one row of an answer: that its places hold the best scores above 0, best first. Empty: nothing.
std::string WrongBest(const std::vector<double>& scores, std::span<const int32_t> indices, std::span<const float> values, int32_t count);

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_PLAIN_H_
