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

// The models that an endpoint has ready or is loading. Immutable.
class EndpointModels {
 public:
  explicit EndpointModels(const souvenir::state::v1::KnownModels& described);

  // The model that a call needs.
  struct Wanted {
    std::string_view model;
    std::string_view version;
    std::string_view digest;
    bool any_version = false;  // true if another version of the model will do
  };
  enum class Match {
    kNo,           // the endpoint does not have the model, or it is broken
    kLoading,      // the model is loading; a call may have to wait
    kOtherDigest,  // the model is ready, with another digest than the catalog's
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
