#include "compute-service/engines.h"

#include <utility>

#include "common/status_macros.h"
#ifdef SOUVENIR_BACKEND_APERTIUM
#include "compute-service/backends/apertium/apertium_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_AUDIO
#include "compute-service/backends/audio/audio_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_BUILTIN
#include "compute-service/backends/builtin/builtin_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_ESPEAK_NG
#include "compute-service/backends/espeak-ng/espeak_ng_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_EXEC
#include "compute-service/backends/exec/exec_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_POCKETSPHINX
#include "compute-service/backends/pocketsphinx/pocketsphinx_backend.h"
#endif
#ifdef SOUVENIR_BACKEND_PYTORCH
#include "compute-service/backends/pytorch/pytorch_backend.h"
#endif

namespace souvenir::compute {

absl::StatusOr<std::vector<std::unique_ptr<Backend>>> MakeBackends(
    const config::v1::ComputeConfig& config) {
  std::vector<std::unique_ptr<Backend>> backends;
#ifdef SOUVENIR_BACKEND_APERTIUM
  if (config.apertium().enabled()) {
    SOUVENIR_ASSIGN_OR_RETURN(
        std::unique_ptr<ApertiumBackend> apertium,
        ApertiumBackend::Create(
            {.modes_directory = config.apertium().modes_directory(),
             .worker_program = config.worker_directory() + "/souvenir-worker-apertium"}));
    backends.push_back(std::move(apertium));
  }
#endif
#ifdef SOUVENIR_BACKEND_AUDIO
  backends.push_back(std::make_unique<AudioBackend>(
      AudioBackend::Options{.worker_program = config.worker_directory() + "/souvenir-worker-audio",
                            .max_message_bytes = config.max_message_bytes()}));
#endif
#ifdef SOUVENIR_BACKEND_BUILTIN
  backends.push_back(std::make_unique<BuiltinBackend>());
#endif
#ifdef SOUVENIR_BACKEND_ESPEAK_NG
  backends.push_back(std::make_unique<EspeakNgBackend>(EspeakNgBackend::Options{
      .worker_program = config.worker_directory() + "/souvenir-worker-espeak-ng"}));
#endif
#ifdef SOUVENIR_BACKEND_EXEC
  backends.push_back(std::make_unique<ExecBackend>(
      ExecBackend::Options{.worker_program = config.worker_directory() + "/souvenir-worker-exec",
                           .python_directory = config.worker_directory() + "/python",
                           .inherit = {config.exec().inherit_environment().begin(),
                                       config.exec().inherit_environment().end()},
                           .log_errors = config.exec().log_standard_error()}));
#endif
#ifdef SOUVENIR_BACKEND_POCKETSPHINX
  backends.push_back(std::make_unique<PocketsphinxBackend>(PocketsphinxBackend::Options{
      .worker_program = config.worker_directory() + "/souvenir-worker-pocketsphinx"}));
#endif
#ifdef SOUVENIR_BACKEND_PYTORCH
  SOUVENIR_ASSIGN_OR_RETURN(
      std::unique_ptr<PytorchBackend> pytorch,
      PytorchBackend::Create(
          {.worker_program = config.worker_directory() + "/souvenir-worker-pytorch"}));
  backends.push_back(std::move(pytorch));
#endif
  return backends;
}

}  // namespace souvenir::compute
