#include <algorithm>
#include <array>

#include "base/check.h"
#include "couponcast/evaluation.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 65'536;

// 2^32 times the probability that a Poisson(1) number is at most its position.
constexpr std::array<uint64_t, 12> kPoissonBelow = {1580030169, 3160060337, 3950075422, 4213413783, 4279248374, 4292415292,
                                                    4294609778, 4294923276, 4294962463, 4294966817, 4294967253, 4294967292};

// SplitMix64's finaliser.
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

int Poisson(uint64_t hash) {
  const uint64_t place = hash >> 32;
  int count = 0;
  while (count < static_cast<int>(kPoissonBelow.size()) && place >= kPoissonBelow[static_cast<size_t>(count)]) ++count;
  return count;
}

}  // namespace

Status PoissonBootstrap(std::span<const double> values, int64_t columns, std::span<const int32_t> groups, int64_t num_groups, int64_t seed,
                        RowRange replicates, CancelFlag cancel, std::span<double> sums) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("groups", num_groups));
  const auto rows = static_cast<int64_t>(groups.size());
  if (static_cast<int64_t>(values.size()) / columns != rows || static_cast<int64_t>(values.size()) % columns != 0) {
    return InvalidArgument("expected " + std::to_string(columns) + " values a row of " + std::to_string(rows) + " rows but received " +
                           std::to_string(values.size()));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckRange(replicates, int64_t{1} << 31));
  const int64_t width = columns + 1;
  if (num_groups > (int64_t{1} << 31) / width || replicates.size() > (int64_t{1} << 31))
    return InvalidArgument("expected fewer groups and columns");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), replicates.size() * num_groups * width));
  for (int64_t row = 0; row < rows; ++row) {
    if (groups[static_cast<size_t>(row)] >= num_groups) {
      return OutOfRange("expected groups below " + std::to_string(num_groups) + " but row " + std::to_string(row) + " has " +
                        std::to_string(groups[static_cast<size_t>(row)]));
    }
  }
  std::ranges::fill(sums, 0.0);
  for (int64_t replicate = replicates.begin; replicate < replicates.end; ++replicate) {
    const uint64_t key = Mix(static_cast<uint64_t>(seed) ^ Mix(static_cast<uint64_t>(replicate) + 0x9E3779B97F4A7C15ULL));
    double* of_replicate = sums.data() + (replicate - replicates.begin) * num_groups * width;
    for (int64_t row = 0; row < rows; ++row) {
      if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      const int32_t group = groups[static_cast<size_t>(row)];
      if (group < 0) continue;
      const int count = Poisson(Mix(key + static_cast<uint64_t>(row) * 0x9E3779B97F4A7C15ULL));
      if (count == 0) continue;
      double* sum = of_replicate + group * width;
      const double* value = values.data() + row * columns;
      sum[0] += count;
      for (int64_t column = 0; column < columns; ++column) sum[column + 1] += count * value[column];
    }
  }
  return {};
}

}  // namespace couponcast
