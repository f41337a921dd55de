#include "LineWriter.h"

#include <math.h>
#include <util/crc16.h>

namespace fieldline {

LineWriter::LineWriter(Print &out, char kind) : out_(out) { put(kind); }

void LineWriter::field(const __FlashStringHelper *text) {
  put(',');
  append(text);
}

void LineWriter::field(const char *text) {
  put(',');
  while (*text) put(*text++);
}

void LineWriter::field(uint32_t number) {
  put(',');
  putNumber(number, 1);
}

void LineWriter::field(float number, uint8_t decimals) {
  put(',');
  append(number, decimals);
}

void LineWriter::append(const __FlashStringHelper *text) {
  PGM_P p = reinterpret_cast<PGM_P>(text);
  while (char c = pgm_read_byte(p++)) put(c);
}

void LineWriter::append(float number, uint8_t decimals) {
  uint32_t scale = 1;
  for (uint8_t i = 0; i < decimals; i++) scale *= 10;
  const float scaled = fabs(number) * scale + 0.5f;
  if (!(scaled < 4294967040.0f)) return;  // the largest float below 2^32; false for NaN too
  const uint32_t digits = static_cast<uint32_t>(scaled);
  if (number < 0 && digits != 0) put('-');
  putNumber(digits / scale, 1);
  if (decimals == 0) return;
  put('.');
  putNumber(digits % scale, decimals);
}

void LineWriter::putNumber(uint32_t number, uint8_t least_digits) {
  char digits[10];
  uint8_t n = 0;
  while (number != 0 || n < least_digits) {
    digits[n++] = '0' + number % 10;
    number /= 10;
  }
  while (n > 0) put(digits[--n]);
}

void LineWriter::end() {
  uint16_t crc = crc_;
  out_.write('*');
  for (uint8_t i = 0; i < 4; i++) {
    const uint8_t nibble = crc >> 12;
    out_.write(nibble < 10 ? '0' + nibble : 'A' + nibble - 10);
    crc <<= 4;
  }
  out_.write('\n');
}

void LineWriter::put(char c) {
  crc_ = _crc_xmodem_update(crc_, c);
  out_.write(c);
}

}  // namespace fieldline
