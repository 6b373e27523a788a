#include "compute-service/repository/model_digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/sha256.h"

namespace souvenir::compute {

std::string ModelDigest(const ModelDescription& description, std::string_view backend_digest) {
  inference::ModelConfig config = description.config;
  config.clear_instance_group();
  config.clear_dynamic_batching();
  // The largest batch changes no answer, but whether there is a batch dimension does.
  config.set_max_batch_size(config.max_batch_size() > 0 ? 1 : 0);
  config.clear_metric_tags();
  config.clear_model_warmup();
  config.clear_response_cache();
  config.clear_version_policy();
  for (const char* name :
       {"instances", "isolation", "isolation_fallback", "max_queue_size", "nice", "run_limit_ms"}) {
    config.mutable_parameters()->erase(name);
  }

  // Deterministic: maps are written in the order of their keys.
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    config.SerializeToCodedStream(&coded);
  }
  Sha256 hash;
  hash.Add("souvenir model 1");  // to be changed whenever the hashed content changes
  hash.Add(bytes);
  hash.Add(static_cast<uint64_t>(description.version));
  hash.Add(config.backend());
  hash.Add(backend_digest);
  return HexString(hash.Finish());
}

}  // namespace souvenir::compute
