#pragma once

#include <math.h>

#include "Analog.h"

namespace fieldline {

/// An NTC thermistor from the pin to ground, with a resistor from the pin to the supply.
struct Thermistor {
  float ohm_at_25;
  float beta;
  float series_ohm;

  /// Degrees Celsius, by the beta equation 1/T = 1/T25 + ln(R/R25)/beta; NaN if it is
  /// disconnected or short-circuited.
  float celsius(float code) const {
    if (isAtRail(code)) return NAN;
    const float share = shareOf(code);
    const float ohm = series_ohm * share / (1 - share);
    return 1 / (1 / 298.15f + log(ohm / ohm_at_25) / beta) - 273.15f;
  }
};

/// An LM35: 10 mV a degree Celsius, from 2 degrees up.
struct Lm35 {
  /// NaN if it is disconnected. `supply_v` is the ADC's reference.
  float celsius(float code, float supply_v) const {
    return isAtRail(code) ? NAN : shareOf(code) * supply_v * 100;
  }
};

}  // namespace fieldline
