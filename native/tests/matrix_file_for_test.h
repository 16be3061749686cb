// Writes test matrices to files.
#ifndef COUPONCAST_TESTS_MATRIX_FILE_FOR_TEST_H_
#define COUPONCAST_TESTS_MATRIX_FILE_FOR_TEST_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "couponcast/matrix_writer.h"
#include "tests/test_util.h"

namespace couponcast::testing {

// Ids in ascending byte order: some of several bytes a letter, the last beyond every ASCII letter.
inline std::vector<std::string> Ids(const std::string& prefix, int64_t count) {
  std::vector<std::string> ids;
  for (int64_t i = 0; i + 1 < count; ++i) {
    const std::string digits = std::to_string(i);
    ids.push_back(prefix + std::string(6 - digits.size(), '0') + digits + (i % 3 == 0 ? "" : "é"));
  }
  if (count > 0) ids.emplace_back("ü~");
  return ids;
}

struct Cells {
  std::vector<int32_t> rows;
  std::vector<int32_t> cols;
  std::vector<float> values;
};

inline Cells CellsOf(const TestMatrix& matrix) {
  Cells cells;
  const CsrView csr = matrix.by_user();
  for (int64_t row = 0; row < csr.rows; ++row) {
    for (size_t i = 0; i < csr.row_indices(row).size(); ++i) {
      cells.rows.push_back(static_cast<int32_t>(row));
      cells.cols.push_back(csr.row_indices(row)[i]);
      cells.values.push_back(csr.row_values(row)[i]);
    }
  }
  return cells;
}

inline int64_t TotalBytes(const std::vector<std::string>& ids) {
  int64_t bytes = 0;
  for (const std::string& id : ids) bytes += static_cast<int64_t>(id.size());
  return bytes;
}

// Writes the matrix in batches of `batch` ids and cells.
inline Status WriteMatrix(const std::string& path, const TestMatrix& matrix, size_t batch,
                          const std::map<std::string, std::string>& metadata = {}) {
  const std::vector<std::string> users = Ids("u", matrix.rows());
  const std::vector<std::string> items = Ids("i", matrix.cols());
  const Cells cells = CellsOf(matrix);
  auto writer = MatrixWriter::Create(
      path, {matrix.rows(), matrix.cols(), static_cast<int64_t>(cells.rows.size()), TotalBytes(users), TotalBytes(items)}, metadata);
  if (!writer.ok()) return writer.status();
  for (const auto& [axis, ids] : {std::pair(MatrixWriter::Axis::kUsers, &users), std::pair(MatrixWriter::Axis::kItems, &items)}) {
    for (size_t begin = 0; begin < ids->size(); begin += batch) {
      const std::vector<std::string_view> views(ids->begin() + static_cast<std::ptrdiff_t>(begin),
                                                ids->begin() + static_cast<std::ptrdiff_t>(std::min(begin + batch, ids->size())));
      COUPONCAST_RETURN_IF_ERROR(writer.value()->AppendIds(axis, views));
    }
  }
  for (size_t begin = 0; begin < cells.rows.size(); begin += batch) {
    const size_t size = std::min(batch, cells.rows.size() - begin);
    COUPONCAST_RETURN_IF_ERROR(writer.value()->AppendCells(std::span(cells.rows).subspan(begin, size),
                                                           std::span(cells.cols).subspan(begin, size),
                                                           std::span(cells.values).subspan(begin, size)));
  }
  return writer.value()->Commit();
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_MATRIX_FILE_FOR_TEST_H_
