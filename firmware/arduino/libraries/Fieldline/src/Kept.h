#pragma once

#include <Arduino.h>
#include <avr/eeprom.h>
#include <util/crc16.h>

namespace fieldline {

/// The first byte of EEPROM that is a sketch's own; those before it are the library's.
constexpr uint16_t SKETCH_EEPROM = 16;

/// A value kept in EEPROM with a CRC, so that a blank or worn EEPROM is told from a value.
/// Writing touches only bytes that change: an EEPROM byte bears 100,000 writes.
template <typename T>
class Kept {
 public:
  explicit Kept(uint16_t address) : address_(address) {}

  /// False, and `value` untouched, if nothing valid is kept.
  bool read(T &value) const {
    Record record;
    eeprom_read_block(&record, at(), sizeof record);
    if (record.crc != crcOf(record.value)) return false;
    value = record.value;
    return true;
  }

  /// Takes 3.4 ms a byte that changes.
  void write(const T &value) const {
    const Record record = {value, crcOf(value)};
    eeprom_update_block(&record, at(), sizeof record);
  }

 private:
  struct Record {
    T value;
    uint16_t crc;
  };

  void *at() const { return reinterpret_cast<void *>(address_); }

  static uint16_t crcOf(const T &value) {
    uint16_t crc = 0xFFFF;  // not 0, so that bytes of zeros are no record
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&value);
    for (uint8_t i = 0; i < sizeof value; i++) crc = _crc_xmodem_update(crc, bytes[i]);
    return crc;
  }

  uint16_t address_;
};

}  // namespace fieldline
