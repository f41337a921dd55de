// Air quality by an MQ-2 gas sensor. Wiring: docs/firmware.md.

#include <Fieldline.h>
#include <Mq2.h>

const uint8_t GAS_PIN = A3;

enum { CO, LPG, SMOKE, RATIO, VOLTAGE, CHANNELS };

const fieldline::Channel TABLE[CHANNELS] PROGMEM = {
    {"co", "ppm", "0", "10000", "Carbon monoxide", 2},
    {"lpg", "ppm", "0", "10000", "Liquefied petroleum gas", 2},
    {"smoke", "ppm", "0", "10000", "Smoke", 2},
    {"ratio", "/", "0", "", "Rs/Ro of the gas sensor", 4},
    {"voltage", "V", "0", "5", "Gas sensor voltage", 4},
};

extern fieldline::Mq2 gas;

void measure(float *values) {
  const fieldline::Mq2Reading reading = gas.measure();
  values[CO] = reading.co;
  values[LPG] = reading.lpg;
  values[SMOKE] = reading.smoke;
  values[RATIO] = reading.ratio;
  values[VOLTAGE] = reading.voltage;
}

bool command(const char *name, const char *argument, fieldline::Text &error) {
  return gas.command(name, argument, error);
}

const fieldline::Sketch SKETCH = {"mq2_air_quality", "1.0", TABLE, CHANNELS, measure, command};

fieldline::Board board(SKETCH);
fieldline::Mq2 gas(board, GAS_PIN);

void setup() {
  board.begin();
  gas.begin();
}

void loop() {
  gas.update();
  board.update();
}
