#pragma once

#include <Arduino.h>

#include "Channel.h"
#include "Kept.h"
#include "LineReader.h"
#include "LineWriter.h"

namespace fieldline {

/// Milliseconds since reset, wrapping at 2^32; `millis` but in tests.
using Clock = uint32_t (*)();

/// Reads an analog pin, 0 to 1023; `analogRead` but in tests.
using AnalogRead = int (*)(uint8_t pin);

/// Reads a digital pin, LOW or HIGH; `digitalRead` but in tests.
using DigitalRead = int (*)(uint8_t pin);

/// A text in flash, made by `F("...")`; null where there is none.
using Text = const __FlashStringHelper *;

enum class Level : uint8_t { INFO, WARNING, ERROR };

/// What a sketch says of itself.
struct Sketch {
  const char *name;
  const char *version;
  const Channel *channels;  ///< in PROGMEM
  uint8_t count;            ///< at most MAX_CHANNELS
  /// Fills in as many values as there are channels. They come in as NaN, which means no reading.
  void (*measure)(float *values);
  /// Carries out a command of the sketch's own (null: it has none). `argument` is empty or what
  /// follows the name. Returns whether it knows the command; sets `error` if it can't be done.
  bool (*command)(const char *name, const char *argument, Text &error);
};

/// The board's end of the serial line: greets, samples on a fixed schedule, obeys commands
/// (docs/protocols.md). Never waits for input; sleeps until the next interrupt when idle.
class Board {
 public:
  explicit Board(const Sketch &sketch, Clock clock = millis) : sketch_(sketch), clock_(clock) {}

  /// Opens the port and greets; sampling begins at once, at the interval that was kept.
  void begin();
  /// Call it in `loop`, last.
  void update();
  /// Says a word to people.
  void log(Level level, Text text);
  void log(Level level, Text text, float number, uint8_t decimals);

 private:
  void obey(char *line);
  template <typename Name>  // in flash or in RAM
  void answer(Name command, Text error);
  void greet();
  void sample(uint32_t now);
  void blink(uint32_t now);
  Text setInterval(const char *argument);
  LineWriter beginLog(Level level);

  const Sketch &sketch_;
  Clock clock_;
  LineReader reader_;
  uint32_t interval_ms_ = 1000;
  uint32_t due_ms_ = 0;
  uint32_t sequence_ = 0;
  bool running_ = true;
  bool blinking_ = false;
  uint32_t dark_ms_ = 0;
};

/// Reads a whole number without sign; false if the text is something else or above 2^32 - 1.
bool parseNumber(const char *text, uint32_t &number);

}  // namespace fieldline
