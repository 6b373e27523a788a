#pragma once

// Under ThreadSanitizer, protobuf's header gives every map two additional members. The packaged
// library was built without the sanitizer and lacks them, so that reflection over a map (text
// format, JSON) reads at wrong offsets and crashes. This wrapper includes the header as if there
// were no sanitizer. All other headers are included before it and see the sanitizer.
#include <google/protobuf/arena.h>
#include <google/protobuf/generated_message_reflection.h>
#include <google/protobuf/map.h>
#include <google/protobuf/message.h>
#include <google/protobuf/repeated_field.h>

#include <atomic>
#include <functional>
#include <memory>

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
