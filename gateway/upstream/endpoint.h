#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/upstream/address_lookup.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// One compute service of a set, which owns it. Immutable.
struct Endpoint {
  EndpointAddress at;
  std::unique_ptr<UpstreamServer> upstream;
};

// The models that an endpoint can be asked now, or soon. Immutable.
class EndpointModels {
 public:
  explicit EndpointModels(const souvenir::state::v1::KnownModels& described);

  // What a call asks for.
  struct Wanted {
    std::string_view model;
    std::string_view version;
    std::string_view digest;
    bool any_version = false;  // of the same model
  };
  enum class Match {
    kNo,           // the model is not there, or broken
    kLoading,      // who asks now may have to wait
    kOtherDigest,  // it is ready, and differs from what the catalog has
    kSame,
  };
  Match Find(const Wanted& wanted) const;

 private:
  struct Version {
    std::string version;
    std::string digest;
    bool loading;
  };
  std::map<std::string, std::vector<Version>, std::less<>> by_model_;
};

}  // namespace souvenir::gateway
