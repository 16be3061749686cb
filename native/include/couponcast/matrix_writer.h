// Builds a behaviour matrix file from a sorted stream of cells.
#ifndef COUPONCAST_MATRIX_WRITER_H_
#define COUPONCAST_MATRIX_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "couponcast/tensor_file.h"

namespace couponcast {

struct MatrixShape {
  int64_t users = 0;
  int64_t items = 0;
  int64_t nnz = 0;
  int64_t user_id_bytes = 0;
  int64_t item_id_bytes = 0;
};

// Usage: Create, AppendIds for both axes, AppendCells, Commit. Memory: O(users + items) plus the page cache.
// After an error the writer refuses all further calls with that error: half a batch may have been taken.
class MatrixWriter {
 public:
  enum class Axis : uint8_t { kUsers, kItems };

  // Errors: kInvalidArgument (an extent above 2^31 - 2, a negative count), kIo.
  static Result<std::unique_ptr<MatrixWriter>> Create(const std::string& path, const MatrixShape& shape,
                                                      std::map<std::string, std::string> metadata);

  // The next ids of an axis, in strictly ascending byte order. Errors: kInvalidArgument, kOutOfRange (too many), kIo.
  Status AppendIds(Axis axis, std::span<const std::string_view> ids);

  // The next cells, all three of one length, strictly ascending by (row, col), values finite.
  // Errors: kInvalidArgument, kOutOfRange, kIo.
  Status AppendCells(std::span<const int32_t> rows, std::span<const int32_t> cols, std::span<const float> values);

  // Writes indptr and the transpose, then commits the file. Errors: kInvalidArgument when less came than the shape
  // announced; kIo. Cost: O(nnz), random writes into the page cache for the transpose.
  Status Commit();
  void Abort() { file_->Abort(); }

 private:
  Status TakeIds(Axis axis, std::span<const std::string_view> ids);
  Status TakeCells(std::span<const int32_t> rows, std::span<const int32_t> cols, std::span<const float> values);
  Status Finish();
  // Runs `step` unless an earlier one failed, and remembers its failure.
  template <typename Step>
  Status Guarded(Step&& step) {
    if (!failure_.ok()) return failure_;
    failure_ = {StatusCode::kInternal, "an earlier call was interrupted"};  // should `step` throw, out of memory
    failure_ = step();
    return failure_;
  }
  struct Ids {
    std::vector<int64_t> offsets = {0};
    std::string last;
    int64_t announced = 0;
    int64_t announced_bytes = 0;
  };
  Status WriteTranspose();

  MatrixShape shape_;
  std::unique_ptr<TensorFileWriter> file_;
  Ids users_;
  Ids items_;
  std::vector<int64_t> row_counts_;
  std::vector<int64_t> col_counts_;
  int64_t cells_ = 0;
  int64_t last_row_ = -1;
  int64_t last_col_ = -1;
  Status failure_;
};

}  // namespace couponcast

#endif  // COUPONCAST_MATRIX_WRITER_H_
