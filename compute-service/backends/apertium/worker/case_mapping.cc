// Replacements of three functions of liblttoolbox, for the whole engine: the linker prefers a
// program's definition to a library's.
//
// The library's functions (3.7.1) give ICU a buffer of twice the text and read the result up to a
// NUL. If the text is empty or becomes exactly twice as long (ß), the buffer has no room for the
// NUL, and bytes that follow on the stack become part of the text, and of its comparison with
// rules. If the text becomes longer still (U+0390), they end the process.

#include <lttoolbox/string_utils.h>
#include <unicode/unistr.h>

namespace {

icu::UnicodeString TextOf(UStringView text) {
  return {text.data(), static_cast<int32_t>(text.size())};
}

UString StringOf(const icu::UnicodeString& text) {
  return {text.getBuffer(), static_cast<size_t>(text.length())};
}

}  // namespace

UString StringUtils::tolower(UStringView text) { return StringOf(TextOf(text).toLower()); }
UString StringUtils::toupper(UStringView text) { return StringOf(TextOf(text).toUpper()); }
UString StringUtils::totitle(UStringView text) { return StringOf(TextOf(text).toTitle(nullptr)); }
