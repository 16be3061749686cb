#ifndef COUPONCAST_BINDINGS_BACKGROUND_WORK_H_
#define COUPONCAST_BINDINGS_BACKGROUND_WORK_H_

#include <functional>
#include <new>
#include <utility>

#include "addon.h"

namespace couponcast::node {

// Work that would hold up the event loop runs on a thread of libuv's pool; the answer is a promise.
class BackgroundWork : public Napi::AsyncWorker {
 public:
  // `used`, if given, is an object whose memory the work reads: it is kept until the work is done.
  static Napi::Value Start(Napi::Env env, std::function<Status()> work, Napi::Object used = {}) {
    auto* worker = new BackgroundWork(env, std::move(work));  // deletes itself when done
    if (!used.IsEmpty()) worker->used_ = Napi::Persistent(used);
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

  void Execute() override {
    try {
      status_ = work_();
    } catch (const std::bad_alloc&) {
      status_ = Status(StatusCode::kOutOfMemory, "out of memory");
    } catch (const std::exception& error) {
      status_ = Status(StatusCode::kInternal, error.what());  // else the promise would stay pending
    }
    work_ = nullptr;  // frees what it owns here, not on the JavaScript thread
  }
  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(MakeError(Env(), status_).Value());
    }
  }

 private:
  BackgroundWork(Napi::Env env, std::function<Status()> work)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), work_(std::move(work)) {}

  Napi::Promise::Deferred deferred_;
  std::function<Status()> work_;
  Status status_;
  Napi::ObjectReference used_;
};

}  // namespace couponcast::node

#endif  // COUPONCAST_BINDINGS_BACKGROUND_WORK_H_
