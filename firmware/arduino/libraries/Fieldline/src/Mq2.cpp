#include "Mq2.h"

#include <math.h>

namespace fieldline {

namespace {

constexpr uint8_t CALIBRATION_STEPS = 40;
constexpr uint8_t CALIBRATION_STEP_MS = 50;
constexpr uint16_t MAX_WARMUP_S = 3600;

/// A line of the data sheet's figure: through (log_ppm, log_ratio) with that slope.
struct Curve {
  float log_ppm;
  float log_ratio;
  float slope;

  /// NaN where the line leads above a million: it does not hold there, whatever the gas.
  float ppmAt(float ratio) const {
    const float ppm = pow(10, (log10(ratio) - log_ratio) / slope + log_ppm);
    return ppm <= 1e6 ? ppm : NAN;
  }
};

constexpr Curve LPG = {2.3, 0.21, -0.47};
constexpr Curve CO = {2.3, 0.72, -0.34};
constexpr Curve SMOKE = {2.3, 0.53, -0.44};

}  // namespace

void Mq2::begin() {
  kept_.read(settings_);
  since_ms_ = clock_();
}

void Mq2::update() {
  const uint32_t elapsed = clock_() - since_ms_;
  switch (phase_) {
    case Phase::WARMING:
      if (elapsed < settings_.warmup_s * 1000UL) return;
      phase_ = Phase::READY;
      board_.log(Level::INFO, F("the sensor is warm"));
      if (settings_.ro_ohm == 0) beginCalibration();
      return;
    case Phase::CALIBRATING:
      if (elapsed >= CALIBRATION_STEP_MS) calibrate();
      return;
    case Phase::READY:
      return;
  }
}

Mq2Reading Mq2::measure() {
  Mq2Reading reading = {NAN, NAN, NAN, NAN, NAN};
  const float code = meanCode(pin_, read_);
  noticeConnection(!isAtRail(code));
  if (!connected_) return reading;
  reading.voltage = SUPPLY_V * shareOf(code);
  if (phase_ != Phase::READY || settings_.ro_ohm == 0) return reading;
  reading.ratio = ohmOf(code) / settings_.ro_ohm;
  reading.lpg = LPG.ppmAt(reading.ratio);
  reading.co = CO.ppmAt(reading.ratio);
  reading.smoke = SMOKE.ppmAt(reading.ratio);
  return reading;
}

bool Mq2::command(const char *name, const char *argument, Text &error) {
  if (strcmp_P(name, PSTR("calibrate")) == 0) {
    if (*argument != '\0') {
      error = F("calibrate takes no argument");
    } else if (phase_ == Phase::WARMING) {
      error = F("the sensor is warming up; try again later");
    } else {
      beginCalibration();
    }
    return true;
  }
  if (strcmp_P(name, PSTR("warmup")) == 0) {
    uint32_t seconds;
    if (!parseNumber(argument, seconds) || seconds > MAX_WARMUP_S) {
      error = F("0 to 3600 s");
    } else {
      settings_.warmup_s = seconds;
      kept_.write(settings_);
    }
    return true;
  }
  return false;
}

void Mq2::beginCalibration() {
  board_.log(Level::INFO, F("calibrating for 2 s; the air must be clean"));
  phase_ = Phase::CALIBRATING;
  since_ms_ = clock_();
  sum_ohm_ = 0;
  steps_ = 0;
}

void Mq2::calibrate() {
  since_ms_ = clock_();
  const float code = meanCode(pin_, read_);
  if (isAtRail(code)) {
    phase_ = Phase::READY;  // with the Ro of before, if there is one
    board_.log(Level::ERROR, F("not calibrated: no sensor; connect it and send calibrate"));
    return;
  }
  sum_ohm_ += ohmOf(code);
  if (++steps_ < CALIBRATION_STEPS) return;
  phase_ = Phase::READY;
  settings_.ro_ohm = sum_ohm_ / CALIBRATION_STEPS / CLEAN_AIR_RATIO;
  kept_.write(settings_);
  board_.log(Level::INFO, F("calibrated; Ro in ohms: "), settings_.ro_ohm, 0);
}

void Mq2::noticeConnection(bool connected) {
  if (connected == connected_) return;
  connected_ = connected;
  if (connected) {
    board_.log(Level::INFO, F("the gas sensor is back"));
  } else {
    board_.log(Level::WARNING, F("no gas sensor: its pin is at a rail; check the wiring"));
  }
}

float Mq2::ohmOf(float code) {
  const float share = shareOf(code);
  return LOAD_OHM * (1 - share) / share;
}

}  // namespace fieldline
