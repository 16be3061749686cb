// What the tests share: seeded random data, sparse matrices from dense rows, temporary folders, SIMD targets.
#ifndef COUPONCAST_TESTS_TEST_UTIL_H_
#define COUPONCAST_TESTS_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast::testing {

inline ::testing::AssertionResult IsOk(const Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "code " << static_cast<int>(status.code()) << ": " << status.message();
}
// Whether the status has the code, and a message.
inline ::testing::AssertionResult HasCode(const Status& status, StatusCode code) {
  if (status.code() == code && !status.message().empty()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "expected code " << static_cast<int>(code) << " but got " << static_cast<int>(status.code())
                                       << ": " << status.message();
}

#define EXPECT_OK(expression) EXPECT_TRUE(::couponcast::testing::IsOk(expression))
#define ASSERT_OK(expression) ASSERT_TRUE(::couponcast::testing::IsOk(expression))
#define EXPECT_CODE(code, expression) EXPECT_TRUE(::couponcast::testing::HasCode(expression, code))

// SplitMix64: the same numbers with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, bound).
  int64_t Below(int64_t bound) { return static_cast<int64_t>(Bits() % static_cast<uint64_t>(bound)); }
  // In [low, high).
  double Between(double low, double high) { return low + (high - low) * (static_cast<double>(Bits() >> 11) * 0x1.0p-53); }

 private:
  uint64_t state_;
};

using Dense = std::vector<std::vector<float>>;

// Owns a sparse matrix and its transpose; zeros of the dense rows are no cells.
class TestMatrix {
 public:
  TestMatrix(const Dense& dense, int64_t cols) : dense_(dense), cols_(cols) {
    csr_.indptr.push_back(0);
    for (const auto& row : dense) {
      for (int64_t col = 0; col < cols; ++col) {
        if (row[static_cast<size_t>(col)] != 0) csr_.Push(col, row[static_cast<size_t>(col)]);
      }
      csr_.Close();
    }
    csc_.indptr.push_back(0);
    for (int64_t col = 0; col < cols; ++col) {
      for (size_t row = 0; row < dense.size(); ++row) {
        if (dense[row][static_cast<size_t>(col)] != 0) csc_.Push(static_cast<int64_t>(row), dense[row][static_cast<size_t>(col)]);
      }
      csc_.Close();
    }
  }
  explicit TestMatrix(const Dense& dense) : TestMatrix(dense, static_cast<int64_t>(dense.front().size())) {}

  int64_t rows() const { return static_cast<int64_t>(dense_.size()); }
  int64_t cols() const { return cols_; }
  CsrView by_user() const { return {rows(), cols_, csr_.indptr, csr_.indices, csr_.values}; }
  CsrView by_item() const { return {cols_, rows(), csc_.indptr, csc_.indices, csc_.values}; }
  const Dense& dense() const { return dense_; }
  double at(int64_t row, int64_t col) const { return static_cast<double>(dense_[static_cast<size_t>(row)][static_cast<size_t>(col)]); }

 private:
  struct Compressed {
    std::vector<int64_t> indptr;
    std::vector<int32_t> indices;
    std::vector<float> values;
    void Push(int64_t index, float value) {
      indices.push_back(static_cast<int32_t>(index));
      values.push_back(value);
    }
    void Close() { indptr.push_back(static_cast<int64_t>(indices.size())); }
  };
  Dense dense_;
  int64_t cols_;
  Compressed csr_;
  Compressed csc_;
};

// The 3 x 3 example of formulas.md.
inline TestMatrix GoldenMatrix() { return TestMatrix({{1, 2, 3}, {3, 2, 1}, {2, 1, 3}}); }

struct MatrixKind {
  int64_t rows = 0;
  int64_t cols = 0;
  double density = 0.3;
  bool negative = false;
  bool small_integers = false;  // many ties
};

// About a tenth of the rows and columns are empty.
inline TestMatrix RandomMatrix(const MatrixKind& kind, uint64_t seed) {
  Random random(seed);
  std::vector<bool> empty_col(static_cast<size_t>(kind.cols));
  for (auto&& empty : empty_col) empty = kind.cols > 2 && random.Below(10) == 0;
  Dense dense(static_cast<size_t>(kind.rows), std::vector<float>(static_cast<size_t>(kind.cols), 0.0F));
  for (auto& row : dense) {
    const bool empty_row = kind.rows > 2 && random.Below(10) == 0;
    for (size_t c = 0; c < row.size(); ++c) {
      const bool present = random.Between(0, 1) < kind.density;
      double value = kind.small_integers ? static_cast<double>(1 + random.Below(2)) : random.Between(0.05, 5.0);
      if (kind.negative && random.Below(3) == 0) value = -value;
      if (present && !empty_row && !empty_col[c]) row[c] = static_cast<float>(value);
    }
  }
  return {dense, kind.cols};
}

// A variety that every kernel over a matrix is tried on.
inline std::vector<MatrixKind> MatrixKinds() {
  return {{1, 1, 1.0, false, false},    {7, 1, 0.6, false, false},    {1, 9, 0.6, false, false},    {20, 30, 0.3, false, false},
          {30, 20, 0.3, true, false},   {40, 25, 0.4, false, true},   {150, 70, 0.1, false, false}, {90, 200, 0.08, true, false},
          {130, 130, 0.2, false, true}, {65, 64, 0.02, false, false}, {200, 3, 0.5, false, true}};
}

template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Row ranges of `size` rows that cover [0, rows).
inline std::vector<RowRange> Shards(int64_t rows, int64_t size) {
  std::vector<RowRange> shards;
  for (int64_t begin = 0; begin < rows; begin += size) shards.push_back({begin, std::min(begin + size, rows)});
  return shards;
}

// A set cancel flag.
inline CancelFlag Raised() {
  static constexpr int32_t kSet = 1;
  return CancelFlag(&kSet);
}

// Runs `test` once for each SIMD target that this binary holds and this processor runs. Highway caches its choice, so
// it is updated along with the mask.
template <typename Test>
void ForEachTarget(Test&& test) {
  hwy::SetSupportedTargetsForTest(0);
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  ASSERT_FALSE(targets.empty());
  for (const int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

// A folder that goes away with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "couponcast-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot create " << name;
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string File(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}
inline void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(content.data(), static_cast<std::streamsize>(content.size()));
}

// Bytes at an 8-byte aligned address, as TensorFile::Parse wants them.
class AlignedBytes {
 public:
  explicit AlignedBytes(const std::string& content) : words_((content.size() + 7) / 8), size_(content.size()) {
    if (size_ > 0) std::memcpy(words_.data(), content.data(), size_);
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words_)).first(size_); }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_TEST_UTIL_H_
