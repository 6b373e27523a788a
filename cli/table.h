#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace souvenir::cli {

// Lines of cells, printed in columns as wide as their widest cell and two blanks apart. Cells are
// UTF-8 and fit for a terminal already (see Printable). Not thread-safe.
class Table {
 public:
  enum class Align { kLeft, kRight };

  // One alignment a column. The last column, where it is on the left, is not padded.
  explicit Table(std::vector<Align> columns);

  // Short rows are filled up with empty cells. REQUIRES: no more cells than columns.
  void Add(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // Each row as a line that begins with `indent` blanks.
  std::string Render(size_t indent = 0) const;

 private:
  const std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace souvenir::cli
