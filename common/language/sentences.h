#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace souvenir {

// Returns the sentences of `text`, UTF-8, in order, as views without blanks around them. `language`
// is a BCP-47 tag, which decides what ends a sentence ("Dr." does not); "" for none. A sentence
// above `most_bytes` is cut where a line or a word ends or, without such a place, between two
// characters. Text between the sentences consists of blanks and line ends only. Thread-safe; takes
// time linear in the text.
std::vector<std::string_view> SplitSentences(std::string_view text, const std::string& language,
                                             size_t most_bytes);

}  // namespace souvenir
