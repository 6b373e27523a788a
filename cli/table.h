#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace souvenir::cli {

// Prints rows of cells in columns that are as wide as their widest cell and two blanks apart. Cells
// are UTF-8 and already fit for a terminal (see Printable). Not thread-safe.
class Table {
 public:
  enum class Align { kLeft, kRight };

  // Takes one alignment per column. The last column is not padded if it is on the left.
  explicit Table(std::vector<Align> columns);

  // Adds a row. Missing cells are empty. REQUIRES: no more cells than columns.
  void Add(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // Returns each row as a line that begins with `indent` blanks.
  std::string Render(size_t indent = 0) const;

 private:
  const std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace souvenir::cli
