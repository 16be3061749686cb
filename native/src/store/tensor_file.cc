#include "couponcast/tensor_file.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "store/digest.h"
#include "store/tensor_limits.h"

namespace couponcast {
namespace {

static_assert(std::endian::native == std::endian::little, "the container is little-endian and mapped as it is");

// Accepts only what a header can hold, so a hostile one can neither nest deeply nor repeat a key silently.
class HeaderGuard {
 public:
  // The callback of nlohmann's parser: false drops the element; the flag makes the whole header invalid.
  bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    if (depth > 3) invalid_ = true;
    if (event == nlohmann::json::parse_event_t::key && !invalid_) {
      // A key at depth d belongs to the object that the last key at depth d - 1 opened.
      if (depth == 1) inner_keys_.clear();
      std::set<std::string>& keys = depth == 1 ? keys_ : inner_keys_;
      if (!keys.insert(parsed.get<std::string>()).second) invalid_ = true;
    }
    return !invalid_;
  }
  bool invalid() const { return invalid_; }

 private:
  bool invalid_ = false;
  std::set<std::string> keys_;
  std::set<std::string> inner_keys_;
};

// Product of the shape, or -1 when it is negative somewhere or overflows.
int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(elements, extent, &elements)) return -1;
  }
  return elements;
}

bool ReadInteger(const nlohmann::json& json, int64_t* out) {
  if (!json.is_number_unsigned()) return false;
  const auto value = json.get<uint64_t>();
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return false;
  *out = static_cast<int64_t>(value);
  return true;
}

}  // namespace

int64_t DtypeBytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::kI64:
    case Dtype::kF64:
      return 8;
    case Dtype::kI32:
    case Dtype::kF32:
      return 4;
    case Dtype::kU8:
      return 1;
  }
  return 1;
}

const char* DtypeName(Dtype dtype) {
  switch (dtype) {
    case Dtype::kI64:
      return "I64";
    case Dtype::kF64:
      return "F64";
    case Dtype::kI32:
      return "I32";
    case Dtype::kF32:
      return "F32";
    case Dtype::kU8:
      return "U8";
  }
  return "U8";
}

Result<Dtype> ParseDtype(std::string_view name) {
  for (const Dtype dtype : {Dtype::kI64, Dtype::kF64, Dtype::kI32, Dtype::kF32, Dtype::kU8}) {
    if (name == DtypeName(dtype)) return dtype;
  }
  return InvalidArgument("expected dtype I64, F64, I32, F32 or U8 but received " + std::string(name.substr(0, 32)));
}

Result<TensorFile> TensorFile::Open(const std::string& path) {
  Result<std::shared_ptr<MappedFile>> mapped = MappedFile::Open(path);
  if (!mapped.ok()) return mapped.status();
  Result<TensorFile> file = Parse(mapped.value()->bytes(), path);
  if (file.ok()) file.value().mapped_ = std::move(mapped.value());
  return file;
}

Result<TensorFile> TensorFile::Parse(std::span<const std::byte> bytes, const std::string& name) {
  const auto corrupt = [&name](const std::string& what) { return CorruptFile(name + ": " + what); };
  if (bytes.size() < 8) return corrupt("expected a safetensors file but it has only " + std::to_string(bytes.size()) + " bytes");
  uint64_t header_bytes = 0;
  std::copy_n(bytes.data(), 8, reinterpret_cast<std::byte*>(&header_bytes));
  if (header_bytes > bytes.size() - 8 || header_bytes > static_cast<uint64_t>(kMaxHeaderBytes)) {
    return corrupt("the header claims " + std::to_string(header_bytes) + " bytes, which does not fit a file of " +
                   std::to_string(bytes.size()) + " (truncated, or not a safetensors file)");
  }
  if (header_bytes % 8 != 0) return corrupt("the header's length is not a multiple of 8");
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + 8;
  HeaderGuard guard;
  const nlohmann::json header = nlohmann::json::parse(
      text, text + header_bytes,
      [&guard](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) { return guard(depth, event, parsed); },
      /*allow_exceptions=*/false);
  if (guard.invalid() || !header.is_object()) return corrupt("the header is not a JSON object of tensors");
  if (header.size() > kMaxHeaderEntries) return corrupt("the header lists more than " + std::to_string(kMaxHeaderEntries) + " tensors");

  TensorFile file;
  file.name_ = name;
  file.header_ = bytes.subspan(8, header_bytes);
  file.data_ = bytes.subspan(8 + header_bytes);
  const auto data_bytes = static_cast<int64_t>(file.data_.size());
  std::vector<std::pair<int64_t, int64_t>> extents;
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") {
      if (!entry.is_object()) return corrupt("__metadata__ is not an object");
      for (const auto& [meta_key, meta_value] : entry.items()) {
        if (!meta_value.is_string()) return corrupt("__metadata__." + meta_key + " is not text");
        file.metadata_[meta_key] = meta_value.get<std::string>();
      }
      continue;
    }
    const std::string where = "tensor " + key + ": ";
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets") ||
        !entry["dtype"].is_string() || !entry["shape"].is_array() || !entry["data_offsets"].is_array() ||
        entry["data_offsets"].size() != 2 || entry["shape"].size() > kMaxRank) {
      return corrupt(where + "expected dtype, shape and two data_offsets");
    }
    const Result<Dtype> dtype = ParseDtype(entry["dtype"].get_ref<const std::string&>());
    if (!dtype.ok()) return corrupt(where + dtype.status().message());
    Tensor tensor;
    tensor.dtype = dtype.value();
    for (const auto& extent : entry["shape"]) {
      int64_t value = 0;
      if (!ReadInteger(extent, &value)) return corrupt(where + "the shape holds something that is not a count");
      tensor.shape.push_back(value);
    }
    tensor.elements = ElementCount(tensor.shape);
    int64_t begin = 0;
    int64_t end = 0;
    int64_t wanted = 0;
    if (!ReadInteger(entry["data_offsets"][0], &begin) || !ReadInteger(entry["data_offsets"][1], &end) || begin > end || end > data_bytes) {
      return corrupt(where + "its data does not lie inside the file (truncated?)");
    }
    if (tensor.elements < 0 || __builtin_mul_overflow(tensor.elements, DtypeBytes(tensor.dtype), &wanted) || wanted != end - begin) {
      return corrupt(where + "shape and data_offsets disagree");
    }
    tensor.bytes = file.data_.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    if (reinterpret_cast<uintptr_t>(tensor.bytes.data()) % static_cast<uintptr_t>(DtypeBytes(tensor.dtype)) != 0 && wanted > 0) {
      return corrupt(where + "its data is not aligned for its type");
    }
    if (end > begin) extents.emplace_back(begin, end);
    file.tensors_.emplace(key, std::move(tensor));
  }
  std::ranges::sort(extents);
  int64_t covered = 0;
  for (const auto& [begin, end] : extents) {
    if (begin != covered) return corrupt("tensors overlap or leave a gap at byte " + std::to_string(covered));
    covered = end;
  }
  if (covered != data_bytes) {
    return corrupt("expected " + std::to_string(covered) + " bytes of data but found " + std::to_string(data_bytes));
  }
  const auto format = file.metadata_.find("format");
  if (format == file.metadata_.end() || format->second != kFormatName) {
    return corrupt("a safetensors file, but couponcast did not write it (no format in its metadata)");
  }
  const auto version = file.metadata_.find("format_version");
  if (version == file.metadata_.end() || version->second != kFormatVersion) {
    return Status(StatusCode::kVersionMismatch, name + ": expected format version " + std::string(kFormatVersion) + " but found " +
                                                    (version == file.metadata_.end() ? "none" : version->second));
  }
  return file;
}

Result<const TensorFile::Tensor*> TensorFile::Find(const std::string& tensor, Dtype dtype, int64_t elements) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end()) return CorruptFile(name_ + ": it has no tensor " + tensor);
  if (found->second.dtype != dtype) {
    return CorruptFile(name_ + ": tensor " + tensor + ": expected dtype " + DtypeName(dtype) + " but found " +
                       DtypeName(found->second.dtype));
  }
  if (elements >= 0 && found->second.elements != elements) {
    return CorruptFile(name_ + ": tensor " + tensor + ": expected " + std::to_string(elements) + " elements but found " +
                       std::to_string(found->second.elements));
  }
  return &found->second;
}

Status TensorFile::VerifyDigest() const {
  const auto stored = metadata_.find(std::string(kDigestKey));
  if (stored == metadata_.end()) return CorruptFile(name_ + ": its metadata holds no digest");
  // The digest was taken with zeros in its own place.
  std::string header(reinterpret_cast<const char*>(header_.data()), header_.size());
  const std::string field = "\"" + std::string(kDigestKey) + "\":\"";
  const size_t at = header.find(field + stored->second);
  if (at == std::string::npos) return CorruptFile(name_ + ": its digest is not written as couponcast writes it");
  header.replace(at + field.size(), stored->second.size(), std::string(stored->second.size(), '0'));
  Digest digest;
  digest.Update(std::as_bytes(std::span(header)));
  digest.Update(data_);
  if (digest.Hex() != stored->second) {
    return CorruptFile(name_ + ": expected digest " + stored->second + " but its content has " + digest.Hex());
  }
  return {};
}

}  // namespace couponcast
