// Three functions of liblttoolbox, in the place of its own, for all of the engine: a program's
// definition goes before a library's.
//
// Its own (3.7.1) give ICU room for twice the text and take what ICU leaves up to a NUL, for which
// there is no room where the text is empty or becomes just twice as long (ß): what follows on the
// stack is then part of the text, and of what a rule compares it with. And for a text that becomes
// longer still (U+0390) they end the process.

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
