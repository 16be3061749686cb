#include "fuzz/seeds.h"

#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>

#include "couponcast/tensor_file.h"

namespace couponcast::fuzz {
namespace {

// The tensors of a matrix file, free to contradict each other.
struct Parts {
  std::vector<int64_t> csr_indptr = {0, 2, 3};
  std::vector<int32_t> csr_indices = {0, 2, 1};
  std::vector<float> csr_values = {1, 2.5F, 3};
  std::vector<int64_t> csc_indptr = {0, 1, 2, 3};
  std::vector<int32_t> csc_indices = {0, 1, 0};
  std::vector<float> csc_values = {1, 3, 2.5F};
  std::vector<int64_t> user_offsets = {0, 1, 3};
  std::string user_bytes = "abb";
  std::vector<int64_t> item_offsets = {0, 1, 2, 4};
  std::string item_bytes = "xy\xc3\xa9";
};

class Maker {
 public:
  explicit Maker(std::string folder) : folder_(std::move(folder)) {}

  void Write(const std::string& name, const Parts& parts, const std::map<std::string, std::string>& metadata = {}) {
    const auto size = [](const auto& values) { return std::vector<int64_t>{static_cast<int64_t>(values.size())}; };
    auto writer = TensorFileWriter::Create(folder_ + "/" + name,
                                           {{"csr.indptr", Dtype::kI64, size(parts.csr_indptr)},
                                            {"csc.indptr", Dtype::kI64, size(parts.csc_indptr)},
                                            {"users.offsets", Dtype::kI64, size(parts.user_offsets)},
                                            {"items.offsets", Dtype::kI64, size(parts.item_offsets)},
                                            {"csr.indices", Dtype::kI32, size(parts.csr_indices)},
                                            {"csr.values", Dtype::kF32, size(parts.csr_values)},
                                            {"csc.indices", Dtype::kI32, size(parts.csc_indices)},
                                            {"csc.values", Dtype::kF32, size(parts.csc_values)},
                                            {"users.bytes", Dtype::kU8, size(parts.user_bytes)},
                                            {"items.bytes", Dtype::kU8, size(parts.item_bytes)}},
                                           metadata);
    Check(writer.status());
    if (!writer.ok()) return;
    const auto put = [&](const std::string& tensor, const auto& values) {
      Check(writer.value()->Write(tensor, 0, std::as_bytes(std::span(values))));
    };
    put("csr.indptr", parts.csr_indptr);
    put("csr.indices", parts.csr_indices);
    put("csr.values", parts.csr_values);
    put("csc.indptr", parts.csc_indptr);
    put("csc.indices", parts.csc_indices);
    put("csc.values", parts.csc_values);
    put("users.offsets", parts.user_offsets);
    put("users.bytes", parts.user_bytes);
    put("items.offsets", parts.item_offsets);
    put("items.bytes", parts.item_bytes);
    Check(writer.value()->Commit());
  }

  // A copy of `from` with its bytes changed.
  template <typename Change>
  void Edit(const std::string& name, const std::string& from, Change&& change) {
    std::ifstream stream(folder_ + "/" + from, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(stream), {});
    change(bytes);
    std::ofstream out(folder_ + "/" + name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out) failed_ = true;
  }

  bool failed() const { return failed_; }

 private:
  void Check(const Status& status) {
    if (status.ok()) return;
    std::cerr << status.message() << "\n";
    failed_ = true;
  }

  std::string folder_;
  bool failed_ = false;
};

void Replace(std::string& bytes, const std::string& from, const std::string& to) {
  const size_t at = bytes.find(from);
  if (at != std::string::npos) bytes.replace(at, from.size(), to);
}

}  // namespace

bool WriteSeeds(const std::string& folder) {
  Maker maker(folder);
  const Parts good;
  maker.Write("valid_2x3", good);
  maker.Write("valid_metadata", good, {{"source", "0123456789abcdef"}, {"note", "\"quoted\" \xc3\xa9"}});
  maker.Write("valid_none", {{0}, {}, {}, {0}, {}, {}, {0}, "", {0}, ""});
  maker.Write("valid_empty_rows", {{0, 0, 0, 0}, {}, {}, {0, 0}, {}, {}, {0, 1, 2, 3}, "abc", {0, 1}, "x"});
  maker.Write("valid_negative", {{0, 1, 2}, {0, 0}, {-1, 1}, {0, 2}, {0, 1}, {-1, 1}, {0, 0, 1}, "a", {0, 1}, "x"});
  Parts block{{0}, {}, {}, {0}, {}, {}, {0}, "", {0}, ""};
  for (int64_t row = 0; row < 6; ++row) {
    for (int32_t col = 0; col < 5; ++col) {
      block.csr_indices.push_back(col);
      block.csr_values.push_back(static_cast<float>(row + col + 1));
    }
    block.csr_indptr.push_back((row + 1) * 5);
    block.user_bytes.push_back(static_cast<char>('a' + row));
    block.user_offsets.push_back(row + 1);
  }
  for (int64_t col = 0; col < 5; ++col) {
    for (int32_t row = 0; row < 6; ++row) {
      block.csc_indices.push_back(row);
      block.csc_values.push_back(static_cast<float>(row + col + 1));
    }
    block.csc_indptr.push_back((col + 1) * 6);
    block.item_bytes.push_back(static_cast<char>('a' + col));
    block.item_offsets.push_back(col + 1);
  }
  maker.Write("valid_full", block);

  const auto broken = [&](const std::string& name, auto&& change) {
    Parts parts = good;
    change(parts);
    maker.Write(name, parts);
  };
  broken("falling_indptr", [](Parts& p) { p.csr_indptr[1] = 9; });
  broken("negative_indptr", [](Parts& p) { p.csc_indptr[1] = std::numeric_limits<int64_t>::min(); });
  broken("index_out_of_range", [](Parts& p) { p.csr_indices[1] = 3; });
  broken("negative_index", [](Parts& p) { p.csc_indices[2] = -1; });
  broken("not_a_number", [](Parts& p) { p.csr_values[0] = std::numeric_limits<float>::quiet_NaN(); });
  broken("no_transpose", [](Parts& p) { p.csc_indices[0] = 1; });
  broken("no_transpose_value", [](Parts& p) { p.csc_values[0] = 4; });
  broken("ids_descend", [](Parts& p) { p.user_bytes = "bab"; });
  broken("id_offset_beyond", [](Parts& p) { p.item_offsets[1] = 1000; });
  broken("too_few_values", [](Parts& p) { p.csr_values.pop_back(); });

  maker.Edit("truncated", "valid_2x3", [](std::string& bytes) { bytes.pop_back(); });
  maker.Edit("only_length", "valid_2x3", [](std::string& bytes) { bytes.resize(8); });
  maker.Edit("huge_header", "valid_2x3", [](std::string& bytes) { std::memset(bytes.data(), 0xff, 8); });
  maker.Edit("flipped_value", "valid_2x3", [](std::string& bytes) { bytes[bytes.size() - 8] ^= 1; });
  maker.Edit("other_version", "valid_2x3",
             [](std::string& bytes) { Replace(bytes, R"("format_version":"1")", R"("format_version":"2")"); });
  maker.Edit("other_dtype", "valid_2x3", [](std::string& bytes) { Replace(bytes, R"("dtype":"F32")", R"("dtype":"I32")"); });
  maker.Edit("no_json", "valid_2x3", [](std::string& bytes) { bytes[8] = '['; });
  maker.Edit("empty", "valid_2x3", [](std::string& bytes) { bytes.clear(); });
  return !maker.failed();
}

}  // namespace couponcast::fuzz
