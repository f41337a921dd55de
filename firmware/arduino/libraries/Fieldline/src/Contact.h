#pragma once

#include "Fieldline.h"

namespace fieldline {

/// A contact from a pin to ground, with the pull-up inside the chip. It counts as changed once it
/// has held still for 30 ms: contacts bounce.
class Contact {
 public:
  explicit Contact(uint8_t pin, Clock clock = millis, DigitalRead read = digitalRead)
      : clock_(clock), read_(read), pin_(pin) {}

  void begin() {
    pinMode(pin_, INPUT_PULLUP);
    delayMicroseconds(50);  // the pull-up has to charge the cable
    open_ = last_ = read_(pin_) == HIGH;
  }

  /// Call it in `loop`.
  void update() {
    const bool now = read_(pin_) == HIGH;
    if (now != last_) {
      last_ = now;
      since_ms_ = clock_();
    } else if (now != open_ && clock_() - since_ms_ >= 30) {
      open_ = now;
    }
  }

  bool isOpen() const { return open_; }

 private:
  Clock clock_;
  DigitalRead read_;
  uint32_t since_ms_ = 0;
  uint8_t pin_;
  bool open_ = true;
  bool last_ = true;
};

}  // namespace fieldline
