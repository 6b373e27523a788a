#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souvenir {

// The names there are, for the message about a word that is none of them: those nearest to the word
// first, the others in the order in which they were added. The list is bounded in names and bytes,
// because a message travels in a header, and anybody may ask for any word. So is the time that it
// takes. Used by one thread.
//
//   NameList names(asked);
//   for (const auto& [name, model] : models) names.Add(name);
//   fmt::format("no model '{}'; there are: {}", names.word(), names.Text());
class NameList {
 public:
  static constexpr size_t kMostNames = 20;
  static constexpr size_t kMostBytes = 1000;  // of the text; a single name may have more
  static constexpr size_t kMostWordBytes = 200;
  // Most names that are compared letter by letter, which takes a microsecond each.
  static constexpr size_t kMostCompared = 500;

  // `word` must outlive the list.
  explicit NameList(std::string_view word) : word_(word) {}

  // Adds a name, which must outlive the list.
  void Add(std::string_view name);

  // Returns "a, b, c and 7 more", or "none" if there are no names.
  std::string Text() const;

  // Counts `names` names that are there too.
  void LeaveOut(size_t names) { added_ += names; }

  bool empty() const { return added_ == 0; }

  // Returns the word, shortened for a message.
  std::string word() const;

 private:
  // Returns a number that is smaller the nearer `name` is to the word.
  size_t RankOf(std::string_view name);

  const std::string_view word_;
  size_t compared_ = 0;
  size_t added_ = 0;
  std::vector<std::pair<size_t, std::string_view>> nearest_;  // rank and name, in order
};

}  // namespace souvenir
