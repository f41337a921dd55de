#include "Fieldline.h"

#include <avr/sleep.h>
#include <math.h>

namespace fieldline {

namespace {

constexpr uint32_t BAUD = 115200;
constexpr uint32_t MIN_INTERVAL_MS = 20;
constexpr uint32_t MAX_INTERVAL_MS = 3600000;
constexpr uint32_t BLINK_MS = 10000;
const Kept<uint32_t> KEPT_INTERVAL(0);

Text boardName() {
#if defined(ARDUINO_AVR_UNO)
  return F("uno");
#elif defined(ARDUINO_AVR_NANO)
  return F("nano");
#elif defined(ARDUINO_AVR_MEGA2560)
  return F("mega2560");
#else
  return F("avr");
#endif
}

bool isValidInterval(uint32_t ms) { return ms >= MIN_INTERVAL_MS && ms <= MAX_INTERVAL_MS; }

bool isDue(uint32_t now, uint32_t due) { return static_cast<int32_t>(now - due) >= 0; }

Text textOf(const char *in_flash) { return reinterpret_cast<Text>(in_flash); }

}  // namespace

template <typename Name>
void Board::answer(Name command, Text error) {
  LineWriter line(Serial, 'A');
  line.field(command);
  line.field(error == nullptr ? F("ok") : F("error"));
  if (error != nullptr) line.field(error);
  line.end();
}

void Board::begin() {
  Serial.begin(BAUD);
  uint32_t kept;
  if (KEPT_INTERVAL.read(kept) && isValidInterval(kept)) interval_ms_ = kept;
  due_ms_ = clock_();
  greet();
}

void Board::update() {
  while (Serial.available() > 0) {
    switch (reader_.feed(Serial.read())) {
      case LineReader::State::INCOMPLETE:
        continue;
      case LineReader::State::LINE:
        obey(reader_.line());
        break;
      case LineReader::State::TOO_LONG:
        answer(F("?"), F("the line is too long"));
        break;
      case LineReader::State::GARBLED:
        answer(F("?"), F("the line is garbled"));
        break;
      case LineReader::State::BAD_CRC:
        answer(F("?"), F("the CRC is wrong"));
        break;
    }
    break;  // a line a turn, so that a flood of commands can't hold up the samples
  }
  const uint32_t now = clock_();
  if (running_ && isDue(now, due_ms_)) {
    // The next one is due on the same grid, so that delays do not add up; what was missed
    // altogether is left out, not made up for in a burst.
    due_ms_ += ((now - due_ms_) / interval_ms_ + 1) * interval_ms_;
    sample(now);
  }
  if (blinking_) blink(now);
  if (Serial.available() > 0) return;
  // Timer 0, which counts the milliseconds, wakes it within one, and so does a byte.
  set_sleep_mode(SLEEP_MODE_IDLE);
  sleep_mode();
}

void Board::obey(char *line) {
  char *argument = strchr(line, ' ');
  if (argument == nullptr) {
    argument = line + strlen(line);
  } else {
    *argument++ = '\0';
  }
  if (strcmp_P(line, PSTR("interval")) == 0) {
    answer(F("interval"), setInterval(argument));
    return;
  }
  Text error = nullptr;
  if (sketch_.command != nullptr && sketch_.command(line, argument, error)) {
    answer(line, error);
    return;
  }
  if (*argument != '\0') {
    answer(F("?"), F("no command of this board takes that"));
  } else if (strcmp_P(line, PSTR("hello")) == 0) {
    greet();
    answer(F("hello"), nullptr);
  } else if (strcmp_P(line, PSTR("start")) == 0) {
    if (!running_) due_ms_ = clock_();
    running_ = true;
    answer(F("start"), nullptr);
  } else if (strcmp_P(line, PSTR("stop")) == 0) {
    running_ = false;
    answer(F("stop"), nullptr);
  } else if (strcmp_P(line, PSTR("identify")) == 0) {
    pinMode(LED_BUILTIN, OUTPUT);
    blinking_ = true;
    dark_ms_ = clock_() + BLINK_MS;
    answer(F("identify"), nullptr);
  } else {
    answer(F("?"), F("this board has no such command"));
  }
}

Text Board::setInterval(const char *argument) {
  uint32_t ms;
  if (!parseNumber(argument, ms) || !isValidInterval(ms)) return F("20 to 3600000 ms");
  if (ms == interval_ms_) return nullptr;  // told again at each connection; the schedule stays
  interval_ms_ = ms;
  due_ms_ = clock_();
  KEPT_INTERVAL.write(ms);
  return nullptr;
}

void Board::greet() {
  LineWriter line(Serial, 'F');
  line.field(F("1"));
  line.field(sketch_.name);
  line.field(sketch_.version);
  line.field(boardName());
  line.field(interval_ms_);
  line.field(static_cast<uint32_t>(sketch_.count));
  line.field(running_ ? F("1") : F("0"));
  line.end();
  for (uint8_t i = 0; i < sketch_.count; i++) {
    const Channel *channel = sketch_.channels + i;
    LineWriter row(Serial, 'C');
    row.field(static_cast<uint32_t>(i));
    row.field(textOf(channel->name));
    row.field(textOf(channel->unit));
    row.field(textOf(channel->minimum));
    row.field(textOf(channel->maximum));
    row.field(textOf(channel->label));
    row.end();
  }
}

void Board::sample(uint32_t now) {
  float values[MAX_CHANNELS];
  for (uint8_t i = 0; i < sketch_.count; i++) values[i] = NAN;
  sketch_.measure(values);
  LineWriter line(Serial, 'S');
  line.field(sequence_++);
  line.field(now);
  for (uint8_t i = 0; i < sketch_.count; i++) {
    line.field(values[i], pgm_read_byte(&sketch_.channels[i].decimals));
  }
  line.end();
}

/// Two flashes a second, while everything else goes on.
void Board::blink(uint32_t now) {
  blinking_ = !isDue(now, dark_ms_);
  digitalWrite(LED_BUILTIN, blinking_ && (dark_ms_ - now) % 500 >= 250 ? HIGH : LOW);
}

LineWriter Board::beginLog(Level level) {
  LineWriter line(Serial, 'L');
  line.field(clock_());
  line.field(level == Level::INFO      ? F("info")
             : level == Level::WARNING ? F("warning")
                                       : F("error"));
  return line;
}

void Board::log(Level level, Text text) {
  LineWriter line = beginLog(level);
  line.field(text);
  line.end();
}

void Board::log(Level level, Text text, float number, uint8_t decimals) {
  LineWriter line = beginLog(level);
  line.field(text);
  line.append(number, decimals);
  line.end();
}

bool parseNumber(const char *text, uint32_t &number) {
  if (*text == '\0') return false;
  uint32_t value = 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    const uint8_t digit = *text - '0';
    if (value > (0xFFFFFFFF - digit) / 10) return false;
    value = value * 10 + digit;
  }
  number = value;
  return true;
}

}  // namespace fieldline
