#pragma once

#include <Arduino.h>

namespace fieldline {

/// Writes one line of the serial protocol (docs/protocols.md), field by field, straight to the
/// port: no buffer. `end` appends the CRC-16/XMODEM of all before it.
class LineWriter {
 public:
  LineWriter(Print &out, char kind);

  void field(const __FlashStringHelper *text);
  void field(const char *text);
  void field(uint32_t number);
  /// A number with `decimals` (0 to 6) digits after the point. NaN, and what does not fit 32 bits,
  /// gives an empty field: no reading now.
  void field(float number, uint8_t decimals);
  /// Appends to the last field.
  void append(const __FlashStringHelper *text);
  void append(float number, uint8_t decimals);

  void end();

 private:
  void put(char c);
  void putNumber(uint32_t number, uint8_t least_digits);

  Print &out_;
  uint16_t crc_ = 0;
};

}  // namespace fieldline
