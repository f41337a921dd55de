#pragma once

#include <Arduino.h>

namespace fieldline {

/// Most channels of one sketch: as many values as fit a line of 240 characters.
constexpr uint8_t MAX_CHANNELS = 16;

/// A row of a sketch's channel table, which lives in PROGMEM. Texts have fixed room, so that the
/// table needs no second level of PROGMEM pointers and an overlong text does not compile.
/// No text may hold `,`, `*` or control characters.
struct Channel {
  char name[16];
  char unit[8];     ///< of the SenML registry (RFC 8428, RFC 8798); empty: none
  char minimum[9];  ///< decimal; empty: unknown
  char maximum[9];
  char label[30];   ///< for people
  uint8_t decimals; ///< digits sent after the point
};

}  // namespace fieldline
