// What millis() does after 49 days, three seconds after the start; and sensors that are read through
// functions of the test's own.

#include <Contact.h>
#include <Fieldline.h>
#include <Mq2.h>

uint32_t lateClock() { return millis() + (0xFFFFFFFF - 3000); }

int halfScale(uint8_t) { return 512; }

// Bounces across the wrap, every 20 ms for four seconds, and is open from then on.
int bouncing(uint8_t) { return millis() >= 4000 || millis() / 20 % 2 == 1 ? HIGH : LOW; }

const fieldline::Channel TABLE[] PROGMEM = {
    {"voltage", "V", "", "", "Voltage", 4},
    {"ratio", "/", "", "", "Ratio", 4},
    {"stack", "By", "", "", "RAM never used", 0},
    {"huge", "", "", "", "Does not fit", 2},
    {"small", "", "", "", "Rounds to zero", 2},
    {"negative", "", "", "", "Below zero", 2},
    {"door", "", "", "", "Door", 0},
};

extern fieldline::Mq2 gas;
fieldline::Contact door(2, lateClock, bouncing);

extern uint8_t __heap_start;

const uint8_t PAINT = 0xC5;

// The RAM between the variables and the deepest that the stack has been.
float neverUsed() {
  uint16_t n = 0;
  for (const uint8_t *p = &__heap_start; *p == PAINT && p < (uint8_t *)SP; p++) n++;
  return n;
}

void measure(float *values) {
  const fieldline::Mq2Reading reading = gas.measure();
  values[0] = reading.voltage;
  values[1] = reading.ratio;
  values[2] = neverUsed();
  values[3] = 1e9;
  values[4] = -0.001;
  values[5] = -12.345;
  values[6] = door.isOpen();
}

bool command(const char *name, const char *argument, fieldline::Text &error) {
  return gas.command(name, argument, error);
}

const fieldline::Sketch SKETCH = {"wraparound", "1.0", TABLE, 7, measure, command};

fieldline::Board board(SKETCH, lateClock);
fieldline::Mq2 gas(board, A3, lateClock, halfScale);

void setup() {
  for (uint8_t *p = &__heap_start; p < (uint8_t *)SP - 16; p++) *p = PAINT;
  board.begin();
  gas.begin();
  door.begin();
}

void loop() {
  gas.update();
  door.update();
  board.update();
}
