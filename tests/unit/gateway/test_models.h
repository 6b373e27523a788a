#pragma once

#include <string>

#include "souvenir/state/v1/catalog.pb.h"

namespace souvenir::gateway {

// Returns a model as compute would describe it: BYTES in and out, one text per row, cached.
inline souvenir::state::v1::KnownModel TextModel(const std::string& name, const std::string& input,
                                                 const std::string& output) {
  souvenir::state::v1::KnownModel model;
  model.set_name(name);
  model.set_version("1");
  model.set_state("READY");
  auto* const metadata = model.mutable_metadata();
  metadata->set_name(name);
  metadata->add_versions(std::string("1"));  // GCC 12 wrongly warns about a literal (bug 105651)
  auto* const in = metadata->add_inputs();
  in->set_name(input);
  in->set_datatype("BYTES");
  in->add_shape(-1);
  in->add_shape(1);
  *metadata->add_outputs() = *in;
  metadata->mutable_outputs(0)->set_name(output);
  (*metadata->mutable_properties())["souvenir.digest"] = "digest-of-" + name;
  auto* const config = model.mutable_config();
  config->set_name(name);
  config->set_max_batch_size(4);
  config->mutable_response_cache()->set_enable(true);
  (*config->mutable_parameters())["row_exact"].set_string_value("true");
  return model;
}

inline souvenir::state::v1::KnownModel TranslationModel(const std::string& name,
                                                        const std::string& source,
                                                        const std::string& target) {
  souvenir::state::v1::KnownModel model = TextModel(name, "text", "translation");
  auto& parameters = *model.mutable_config()->mutable_parameters();
  parameters["task"].set_string_value("translation");
  parameters["source_language"].set_string_value(source);
  parameters["target_language"].set_string_value(target);
  return model;
}

}  // namespace souvenir::gateway
