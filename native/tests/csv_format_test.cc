#include "couponcast/csv_format.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Random;

TEST(FormatCsv, WritesEveryType) {
  const std::vector<int64_t> wide = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 0};
  const std::vector<double> doubles = {0.1, -1e300, 5e-324};
  const std::vector<int32_t> indices = {-1, 7, std::numeric_limits<int32_t>::min()};
  const std::vector<float> floats = {0.1F, 16777216.0F, -0.0F};
  const std::vector<uint8_t> bytes = {0, 65, 255};
  const std::vector<NumberColumn> columns = {std::span(wide), std::span(doubles), std::span(indices), std::span(floats), std::span(bytes)};
  const auto text = FormatCsv(columns, {0, 3}, -1);
  ASSERT_OK(text.status());
  EXPECT_EQ(text.value(),
            "-9223372036854775808,0.1,-1,0.1,0\n"
            "9223372036854775807,-1e+300,7,16777216,65\n"
            "0,5e-324,-2147483648,-0,255\n");
  const auto skipped = FormatCsv(columns, {0, 3}, 2);
  EXPECT_EQ(skipped.value(), "9223372036854775807,-1e+300,7,16777216,65\n");
  const auto part = FormatCsv(columns, {1, 2}, -1);
  EXPECT_EQ(part.value(), "9223372036854775807,-1e+300,7,16777216,65\n");
  EXPECT_EQ(FormatCsv(columns, {3, 3}, -1).value(), "");
}

TEST(FormatCsv, NumbersReadBackToTheSameBits) {
  Random random(1);
  std::vector<double> doubles;
  std::vector<float> floats;
  while (doubles.size() < 5000) {
    const auto d = std::bit_cast<double>(random.Bits());
    const auto f = std::bit_cast<float>(static_cast<uint32_t>(random.Bits()));
    if (!std::isfinite(d) || !std::isfinite(f)) continue;
    doubles.push_back(d);
    floats.push_back(f);
  }
  const auto text = FormatCsv({std::span<const double>(doubles), std::span<const float>(floats)}, {0, 5000}, -1);
  ASSERT_OK(text.status());
  const char* at = text.value().data();
  const char* end = at + text.value().size();
  for (size_t i = 0; i < doubles.size(); ++i) {
    double d = 0;
    float f = 0;
    at = std::from_chars(at, end, d).ptr + 1;
    at = std::from_chars(at, end, f).ptr + 1;
    EXPECT_EQ(std::bit_cast<uint64_t>(d), std::bit_cast<uint64_t>(doubles[i]));
    EXPECT_EQ(std::bit_cast<uint32_t>(f), std::bit_cast<uint32_t>(floats[i]));
  }
  EXPECT_EQ(at, end);
}

TEST(FormatCsv, PiecesConcatenateToTheWhole) {
  std::vector<int32_t> indices;
  for (int32_t i = 0; i < 100; ++i) indices.push_back(i % 7 == 0 ? -1 : i);
  const std::vector<NumberColumn> columns = {std::span<const int32_t>(indices)};
  std::string pieces;
  for (const RowRange range : testing::Shards(100, 9)) pieces += FormatCsv(columns, range, 0).value();
  EXPECT_EQ(pieces, FormatCsv(columns, {0, 100}, 0).value());
}

TEST(FormatCsv, RefusesWhatDoesNotFit) {
  const std::vector<int32_t> two = {1, 2};
  const std::vector<float> three = {1, 2, 3};
  const std::vector<NumberColumn> columns = {std::span(two)};
  EXPECT_CODE(StatusCode::kInvalidArgument, FormatCsv({}, {0, 0}, -1).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, FormatCsv({std::span(two), std::span(three)}, {0, 2}, -1).status());
  EXPECT_CODE(StatusCode::kOutOfRange, FormatCsv(columns, {0, 3}, -1).status());
  EXPECT_CODE(StatusCode::kOutOfRange, FormatCsv(columns, {-1, 1}, -1).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, FormatCsv(columns, {0, 2}, 1).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, FormatCsv({std::span(three)}, {0, 3}, 0).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, FormatCsv(columns, {0, 2}, int64_t{1} << 32).status());
}

TEST(Gather, PicksPositions) {
  const std::vector<float> source = {1, 2, 3};
  const std::vector<int64_t> positions = {2, 0, 2};
  std::vector<float> out(3);
  ASSERT_OK(Gather(source, positions, out));
  EXPECT_EQ(out, std::vector<float>({3, 1, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, Gather(source, positions, std::span(out).first(2)));
  EXPECT_CODE(StatusCode::kOutOfRange, Gather(source, std::vector<int64_t>{3}, std::span(out).first(1)));
  EXPECT_CODE(StatusCode::kOutOfRange, Gather(source, std::vector<int64_t>{-1}, std::span(out).first(1)));
}

}  // namespace
}  // namespace couponcast
