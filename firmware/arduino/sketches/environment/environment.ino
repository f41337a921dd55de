// A room: temperature, light, a door, the board's own supply. Wiring: docs/firmware.md.

#include <Contact.h>
#include <Fieldline.h>
#include <Supply.h>
#include <Temperature.h>

// Define it if the temperature sensor is an LM35 instead of an NTC:
// #define ENVIRONMENT_LM35

const uint8_t TEMPERATURE_PIN = A0;
const uint8_t LIGHT_PIN = A1;
const uint8_t DOOR_PIN = 2;

#ifndef ENVIRONMENT_LM35
const fieldline::Thermistor THERMISTOR = {10000, 3950, 10000};
#endif

enum { TEMPERATURE, LIGHT, DOOR, SUPPLY, CHANNELS };

const fieldline::Channel TABLE[CHANNELS] PROGMEM = {
    {"temperature", "Cel", "-40", "125", "Temperature", 2},
    {"light", "/100", "0", "100", "Light", 1},
    {"door", "", "0", "1", "Door open", 0},
    {"supply", "V", "0", "6", "Board supply", 3},
};

fieldline::Contact door(DOOR_PIN);

void measure(float *values) {
  const float supply = fieldline::supplyVolts();
  const float code = fieldline::meanCode(TEMPERATURE_PIN, analogRead);
#ifdef ENVIRONMENT_LM35
  values[TEMPERATURE] = fieldline::Lm35().celsius(code, supply);
#else
  values[TEMPERATURE] = THERMISTOR.celsius(code);
#endif
  values[LIGHT] = 100 * fieldline::shareOf(fieldline::meanCode(LIGHT_PIN, analogRead));
  values[DOOR] = door.isOpen();
  values[SUPPLY] = supply;
}

const fieldline::Sketch SKETCH = {"environment", "1.0", TABLE, CHANNELS, measure, nullptr};

fieldline::Board board(SKETCH);

void setup() {
  door.begin();
  board.begin();
}

void loop() {
  door.update();
  board.update();
}
