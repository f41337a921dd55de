#pragma once

#include "Analog.h"
#include "Fieldline.h"

namespace fieldline {

/// What the MQ-2 says at one moment; NaN where it says nothing.
struct Mq2Reading {
  float voltage;  ///< V at the load resistor; more gas, more volts
  float ratio;    ///< Rs/Ro; 9.83 in clean air
  float lpg;      ///< ppm, as if that gas alone were there; the same of the two below
  float co;
  float smoke;
};

/// Gas sensor MQ-2 between 5 V and a load resistor to ground, its output at an analog pin.
///
/// Its resistance Rs falls with gas. Ro is Rs at 1,000 ppm of hydrogen, and Rs/Ro is 9.83 in clean
/// air: calibrating measures Rs there. Each gas is a line in the data sheet's log-log figure,
/// read off as {log10 ppm, log10 Rs/Ro, slope}, between 200 and 10,000 ppm; what is outside is the
/// line's extension, up to a million.
class Mq2 {
 public:
  static constexpr float LOAD_OHM = 5000;
  static constexpr float SUPPLY_V = 5;
  static constexpr float CLEAN_AIR_RATIO = 9.83;
  static constexpr uint16_t WARMUP_S = 180;  ///< until readings hold still, by the data sheet's users

  /// Ro and the warm-up time are kept at `SKETCH_EEPROM`.
  Mq2(Board &board, uint8_t pin, Clock clock = millis, AnalogRead read = analogRead)
      : board_(board), clock_(clock), read_(read), kept_(SKETCH_EEPROM), pin_(pin) {}

  /// Starts the warm-up. Without a kept Ro it calibrates itself afterwards, and says so.
  void begin();
  /// Call it in `loop`.
  void update();
  /// During warm-up the voltage alone; nothing at all from a disconnected sensor.
  Mq2Reading measure();
  /// The commands `calibrate` and `warmup <seconds>`, in the form that `Sketch` wants.
  bool command(const char *name, const char *argument, Text &error);

 private:
  enum class Phase : uint8_t { WARMING, CALIBRATING, READY };

  struct Settings {
    float ro_ohm;  ///< 0: never calibrated
    uint16_t warmup_s;
  };

  void beginCalibration();
  void calibrate();
  void noticeConnection(bool connected);
  static float ohmOf(float code);

  Board &board_;
  Clock clock_;
  AnalogRead read_;
  Kept<Settings> kept_;
  Settings settings_ = {0, WARMUP_S};
  uint32_t since_ms_ = 0;  ///< begin of the phase; when calibrating, of the last step
  float sum_ohm_ = 0;
  uint8_t steps_ = 0;
  uint8_t pin_;
  Phase phase_ = Phase::WARMING;
  bool connected_ = true;
};

}  // namespace fieldline
