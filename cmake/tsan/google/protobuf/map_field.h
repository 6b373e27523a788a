#pragma once

// Under ThreadSanitizer this header of protobuf's gives every map two members more, which the
// packaged library, built without it, does not know: reflection over a map (text format, JSON) then
// reads at wrong places and crashes. Here it is read as the library was; all other headers, which
// come first, see the sanitizer.
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
