#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

namespace souvenir {

// The transport security of every port and every channel of the programs. It is chosen only here.
// Today all traffic is plain text; a proxy in front of a service gives it TLS.

inline std::shared_ptr<grpc::ServerCredentials> PortCredentials() {
  return grpc::InsecureServerCredentials();
}

inline std::shared_ptr<grpc::ChannelCredentials> UpstreamCredentials() {
  return grpc::InsecureChannelCredentials();
}

}  // namespace souvenir
