#include "compute-service/backends/pytorch/torch_errors.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <new>

#include "common/cut_text.h"

namespace souvenir::compute {
namespace {

// Longest message, which travels in a header.
constexpr size_t kMostBytes = 500;

// The interpreter writes this after its traceback and before the reason.
constexpr std::string_view kReason = "\nRuntimeError: ";
constexpr std::string_view kNoMemory = "can't allocate memory";

std::string FirstLine(std::string_view text) {
  if (const size_t reason = text.rfind(kReason); reason != std::string_view::npos) {
    text.remove_prefix(reason + kReason.size());
  }
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  return Shortened(text.substr(0, text.find('\n')), kMostBytes);
}

}  // namespace

std::string ThrownLine(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const torch::jit::JITException& error) {
    return FirstLine(error.getOriginalMsg().value_or(error.what()));
  } catch (const c10::Error& error) {
    return FirstLine(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return FirstLine(error.what());
  } catch (...) {
    return "unknown";
  }
}

absl::Status ForwardError(const std::exception_ptr& thrown, std::string_view model) {
  const std::string message = fmt::format("model {}: forward(): {}", model, ThrownLine(thrown));
  try {
    std::rethrow_exception(thrown);
  } catch (const c10::NotImplementedError&) {
    return absl::InternalError(message);
  } catch (const c10::OutOfMemoryError&) {
    return absl::InternalError(message);
  } catch (const std::bad_alloc&) {
    return absl::InternalError(message);
  } catch (const std::exception& error) {
    if (std::string_view(error.what()).find(kNoMemory) != std::string_view::npos) {
      return absl::InternalError(message);
    }
    return absl::InvalidArgumentError(message);
  } catch (...) {
    return absl::InternalError(message);
  }
}

}  // namespace souvenir::compute
