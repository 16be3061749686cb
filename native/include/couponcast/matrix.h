// The behaviour matrix: users x items in one memory-mapped file, by row (csr) and by column (csc), with the ids.
#ifndef COUPONCAST_MATRIX_H_
#define COUPONCAST_MATRIX_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "couponcast/kernel.h"
#include "couponcast/status.h"
#include "couponcast/tensor_file.h"

namespace couponcast {

// A sparse matrix in compressed rows. Views only; a csc matrix is the CsrView of the transpose.
struct CsrView {
  int64_t rows = 0;
  int64_t cols = 0;
  std::span<const int64_t> indptr;   // [rows + 1], ascending, indptr[0] = 0, indptr[rows] = nnz
  std::span<const int32_t> indices;  // [nnz], ascending and unique within a row, in [0, cols)
  std::span<const float> values;     // [nnz], finite

  int64_t nnz() const { return static_cast<int64_t>(indices.size()); }
  int64_t degree(int64_t row) const { return indptr[static_cast<size_t>(row) + 1] - indptr[static_cast<size_t>(row)]; }
  std::span<const int32_t> row_indices(int64_t row) const {
    return indices.subspan(static_cast<size_t>(indptr[static_cast<size_t>(row)]), static_cast<size_t>(degree(row)));
  }
  std::span<const float> row_values(int64_t row) const {
    return values.subspan(static_cast<size_t>(indptr[static_cast<size_t>(row)]), static_cast<size_t>(degree(row)));
  }
};

// Checks what the comments of CsrView promise, in one pass. `name` begins the message. Errors: kCorruptFile.
Status CheckCsr(const CsrView& matrix, const std::string& name);
// The same of one row in [0, rows), of a matrix whose arrays have the lengths that rows and indices announce.
Status CheckCsrRow(const CsrView& matrix, int64_t row, const std::string& name);

// Ids in ascending byte order, so that a look-up is a binary search.
struct IdView {
  std::span<const int64_t> offsets;  // [size + 1]
  std::span<const uint8_t> bytes;    // UTF-8

  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
  // Position must be in [0, size). Out-of-order offsets of a damaged file give an empty id.
  std::string_view At(int64_t position) const;
  // Position of `id`, or -1. O(log size).
  int64_t Find(std::string_view id) const;
};

class BehaviourMatrix {
 public:
  // Opens the file and checks its header and every tensor's type and length; the cost does not depend on the size.
  // Errors: kIo, kCorruptFile, kVersionMismatch.
  static Result<BehaviourMatrix> Open(const std::string& path);
  static Result<BehaviourMatrix> FromFile(TensorFile file);

  const CsrView& by_user() const { return by_user_; }
  const CsrView& by_item() const { return by_item_; }
  const IdView& users() const { return users_; }
  const IdView& items() const { return items_; }
  const TensorFile& file() const { return file_; }

  // Both orientations keep the invariants of CsrView. Kernels may run only on a matrix that passed. The pass reads
  // the indices and values once per process and map (the answer is kept), at memory speed. Errors: kCorruptFile.
  Status EnsureValid() const;
  // The same of the rows of users alone, for kernels that look at nothing else: the other half of the file is not read.
  Status EnsureUsersValid() const;
  // The same of the rows of items; while another thread looks at those of users, if that is wanted.
  Status EnsureItemsValid() const;

  // EnsureValid, the digest, the order of the ids, and that csc is the transpose of csr. Errors: kCorruptFile.
  Status Verify() const;

 private:
  Status CheckOnce(const CsrView& orientation, const std::string& name) const;

  TensorFile file_;
  CsrView by_user_;
  CsrView by_item_;
  IdView users_;
  IdView items_;
};

// The tensors of a behaviour matrix file.
std::vector<TensorSpec> MatrixTensors(int64_t users, int64_t items, int64_t nnz, int64_t user_id_bytes, int64_t item_id_bytes);

}  // namespace couponcast

#endif  // COUPONCAST_MATRIX_H_
