#pragma once

#include <Arduino.h>

namespace fieldline {

/// The ATmega's ADC: code = input * 1024 / reference, cut off (data sheet, ADC conversion result).
constexpr float ADC_STEPS = 1024;

/// Mean code of 16 conversions (2 ms), 0 to 1023. Noise spreads them over neighbouring codes, so
/// that the mean is finer than one step.
inline float meanCode(uint8_t pin, int (*read)(uint8_t)) {
  uint16_t sum = 0;
  for (uint8_t i = 0; i < 16; i++) sum += read(pin);
  return sum / 16.0f;
}

/// A sensor that is unplugged, cut or short-circuited pulls its pin to one of the rails.
inline bool isAtRail(float code) { return code < 1 || code > 1022; }

/// The input as a share of the reference, 0 to 1. A code stands for a whole step: its middle
/// is the least wrong.
inline float shareOf(float code) { return (code + 0.5f) / ADC_STEPS; }

}  // namespace fieldline
