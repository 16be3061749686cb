// Error codes first: the core returns a Status or a Result, prints nothing and aborts on nothing a user can cause.
#ifndef COUPONCAST_STATUS_H_
#define COUPONCAST_STATUS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace couponcast {

// Stable numbers: src/errors.ts maps them to ERR_COUPONCAST_* and to exit codes. Never renumber.
enum class StatusCode : int32_t {
  kOk = 0,
  kInvalidArgument = 1,
  kCorruptFile = 2,
  kVersionMismatch = 3,
  kIo = 4,
  kOutOfMemory = 5,
  kOutOfRange = 6,
  kInfeasible = 7,
  kCancelled = 8,
  kClosed = 9,
  kUnsupportedPlatform = 10,
  kInternal = 11,
};

// A code and, unless it is kOk, a message that says what was expected, what came and where.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status InvalidArgument(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }
inline Status CorruptFile(std::string message) { return {StatusCode::kCorruptFile, std::move(message)}; }
inline Status IoError(std::string message) { return {StatusCode::kIo, std::move(message)}; }
inline Status OutOfRange(std::string message) { return {StatusCode::kOutOfRange, std::move(message)}; }
inline Status Cancelled() { return {StatusCode::kCancelled, "cancelled"}; }

// Either a value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace couponcast

// Returns the Status of `expression` from the enclosing function unless it is OK.
#define COUPONCAST_RETURN_IF_ERROR(expression)               \
  do {                                                       \
    ::couponcast::Status couponcast_status_ = (expression);  \
    if (!couponcast_status_.ok()) return couponcast_status_; \
  } while (false)

#endif  // COUPONCAST_STATUS_H_
