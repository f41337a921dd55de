#pragma once

#include <Arduino.h>

#include "Analog.h"

namespace fieldline {

/// The supply in volts, by measuring the chip's own 1.1 V reference against it (ATmega328P). That
/// reference is good to 10 % from chip to chip, and far better from day to day.
inline float supplyVolts() {
  ADMUX = _BV(REFS0) | _BV(MUX3) | _BV(MUX2) | _BV(MUX1);
  delay(2);  // the input has to settle
  uint16_t code = 0;
  for (uint8_t i = 0; i < 2; i++) {  // the first conversion after a change of input is off
    ADCSRA |= _BV(ADSC);
    loop_until_bit_is_clear(ADCSRA, ADSC);
    code = ADC;
  }
  return 1.1f * ADC_STEPS / (code + 0.5f);
}

}  // namespace fieldline
