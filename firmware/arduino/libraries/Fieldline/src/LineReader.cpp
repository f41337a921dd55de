#include "LineReader.h"

#include <util/crc16.h>

namespace fieldline {

namespace {

/// The value of four upper-case hexadecimal digits, or -1.
int32_t hexOf(const char *text) {
  uint16_t value = 0;
  for (uint8_t i = 0; i < 4; i++) {
    const char c = text[i];
    uint8_t nibble;
    if (c >= '0' && c <= '9') {
      nibble = c - '0';
    } else if (c >= 'A' && c <= 'F') {
      nibble = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value << 4 | nibble;
  }
  return text[4] == '\0' ? value : -1;
}

}  // namespace

LineReader::State LineReader::feed(char c) {
  if (c == '\n' || c == '\r') {
    const State state = finish();
    length_ = 0;
    too_long_ = garbled_ = false;
    return state;
  }
  if (c < ' ' || c > '~') garbled_ = true;
  if (length_ < sizeof line_ - 1) {
    line_[length_++] = c;
  } else {
    too_long_ = true;
  }
  return State::INCOMPLETE;
}

LineReader::State LineReader::finish() {
  if (too_long_) return State::TOO_LONG;
  if (garbled_) return State::GARBLED;
  if (length_ == 0) return State::INCOMPLETE;
  line_[length_] = '\0';
  char *star = strchr(line_, '*');
  if (star == nullptr) return State::LINE;  // typed by a person
  uint16_t crc = 0;
  for (const char *p = line_; p < star; p++) crc = _crc_xmodem_update(crc, *p);
  if (hexOf(star + 1) != crc) return State::BAD_CRC;
  *star = '\0';
  return State::LINE;
}

}  // namespace fieldline
