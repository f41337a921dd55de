#pragma once

#include <Arduino.h>

namespace fieldline {

/// Gathers a command line byte by byte in bounded memory, and checks it.
class LineReader {
 public:
  enum class State : uint8_t {
    INCOMPLETE,
    LINE,     ///< `line()` is a command, its CRC (if any) checked and cut off
    TOO_LONG,
    GARBLED,  ///< not printable ASCII
    BAD_CRC,
  };

  /// Takes one byte. An end of line is `\n` or `\r`; empty lines are skipped.
  State feed(char c);
  /// The last line, ended by NUL; good until the next `feed`.
  char *line() { return line_; }

 private:
  State finish();

  char line_[48];
  uint8_t length_ = 0;
  bool too_long_ = false;
  bool garbled_ = false;
};

}  // namespace fieldline
