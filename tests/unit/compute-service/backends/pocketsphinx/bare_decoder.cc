#include "tests/unit/compute-service/backends/pocketsphinx/bare_decoder.h"

#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/err.h>

namespace souvenir::compute {

std::string BareHypothesis(const std::vector<int16_t>& samples) {
  err_set_logfp(nullptr);
  const std::string models = "/usr/share/pocketsphinx/model/en-us/";
  cmd_ln_t* config =
      cmd_ln_init(nullptr, ps_args(), TRUE, "-hmm", (models + "en-us").c_str(), "-lm",
                  (models + "en-us.lm.bin").c_str(), "-dict",
                  (models + "cmudict-en-us.dict").c_str(), "-remove_silence", "no", nullptr);
  ps_decoder_t* decoder = ps_init(config);
  cmd_ln_free_r(config);
  if (decoder == nullptr) return "(no decoder)";
  (void)ps_start_utt(decoder);
  (void)ps_process_raw(decoder, samples.data(), samples.size(), FALSE, TRUE);
  (void)ps_end_utt(decoder);
  const char* hypothesis = ps_get_hyp(decoder, nullptr);
  std::string text = hypothesis == nullptr ? "" : hypothesis;
  ps_free(decoder);
  return text;
}

}  // namespace souvenir::compute
