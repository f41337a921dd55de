// Runs a compiled sketch in simavr, at the pace of the wall clock, with its UART on a pty.
//
//     fieldline-rig SKETCH.elf
//
// Commands come in as lines on the standard input, events go out as lines on the standard output:
//
//     volts A3 1.25     the voltage at an analog pin; VCC is the supply
//     level 2 1         a digital pin is pulled up or down from outside
//     type TEXT         a line is typed at the board's serial port
//     reset             the reset button
//     unplug | plug     the USB cable, which is also the power
//     garbage N         N bytes of noise on the line to the computer
//
//     port PATH         the pty, at start and after each plug
//     crashed           the sketch jumped into nowhere; the board was reset
//     dropped N         bytes of output lost since the last event, because nobody read them
//
// The end of the input ends it.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <avr_adc.h>
#include <avr_ioport.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>
#include <sim_time.h>

enum {
  HZ = 16000000,
  SLICE_US = 10000,         // of simulated time between two looks at the world
  BYTE_US = 100,            // towards the board; simavr takes one in 95 at 115,200 baud
  MAX_BEHIND_US = 2000000,  // a machine that was asleep for longer is not caught up with
  SUPPLY_MV = 5000,
};

static avr_t *board;
static bool powered = true;

static int pty = -1;
static char pty_path[64];
static bool somebody_reads;
static unsigned long dropped;

// To the computer: gathered to whole lines, as a USB chip gathers them.
static char out[256];
static size_t out_length;

// To the board, at the pace of the line.
static char in[512];
static size_t in_begin, in_end;
static bool sending;

static void die(const char *what) {
  fprintf(stderr, "fieldline-rig: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
  if (fflush(stdout) != 0) exit(0);  // whoever started us is gone
}

// simavr tells of every register that a sketch sets up; only errors are worth a line.
static void log_errors(avr_t *avr, const int level, const char *format, va_list values) {
  (void)avr;
  if (level <= LOG_ERROR) vfprintf(stderr, format, values);
}

// ---- the pty ----

static void open_pty(void) {
  pty = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (pty < 0 || grantpt(pty) < 0 || unlockpt(pty) < 0) die("cannot make a pty");
  if (ptsname_r(pty, pty_path, sizeof pty_path) != 0) die("cannot name the pty");
  // Opened once and closed again: from then on poll tells whether somebody else has it open.
  int other_end = open(pty_path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other_end < 0) die("cannot open the pty");
  struct termios raw;
  tcgetattr(other_end, &raw);
  cfmakeraw(&raw);
  cfsetspeed(&raw, B115200);
  tcsetattr(other_end, TCSANOW, &raw);
  close(other_end);
  somebody_reads = false;
  say("port %s", pty_path);
}

static void close_pty(void) {
  if (pty >= 0) close(pty);
  pty = -1;
  somebody_reads = false;
  out_length = 0;
}

// A USB chip whose port nobody has open throws away; so does one whose reader is too slow.
static void send_out(const char *bytes, size_t length) {
  if (!somebody_reads) return;
  ssize_t n = write(pty, bytes, length);
  if (n < (ssize_t)length) dropped += length - (n > 0 ? n : 0);
}

static void flush_out(void) {
  if (out_length > 0) send_out(out, out_length);
  out_length = 0;
}

static void on_output(struct avr_irq_t *irq, uint32_t value, void *unused) {
  (void)irq, (void)unused;
  out[out_length++] = value;
  if (value == '\n' || out_length == sizeof out) flush_out();
}

// The LED of an Uno, on digital pin 13.
static void on_led(struct avr_irq_t *irq, uint32_t value, void *unused) {
  static uint32_t before;
  (void)irq, (void)unused;
  if (value != before) say("led %s", value ? "on" : "off");
  before = value;
}

static avr_cycle_count_t send_byte(avr_t *avr, avr_cycle_count_t when, void *unused) {
  (void)unused;
  if (in_begin == in_end) {
    sending = false;
    return 0;
  }
  avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT),
                (uint8_t)in[in_begin++]);
  return when + avr_usec_to_cycles(avr, BYTE_US);
}

static void start_sending(void) {
  if (sending || in_begin == in_end) return;
  sending = true;
  avr_cycle_timer_register_usec(board, BYTE_US, send_byte, NULL);
}

static bool look_at_pty(void) {
  struct pollfd look = {.fd = pty, .events = POLLIN};
  poll(&look, 1, 0);
  somebody_reads = pty >= 0 && !(look.revents & POLLHUP);
  return look.revents & POLLIN;
}

// Takes what the computer sent, once the last lot has gone to the board.
static void read_pty(void) {
  if (!look_at_pty() || in_begin < in_end) return;
  in_begin = in_end = 0;
  ssize_t n = read(pty, in, sizeof in);
  if (n > 0) in_end = n;
}

// ---- the board ----

static void reset_board(void) {
  avr_reset(board);
  in_begin = in_end = 0;
  sending = false;
  out_length = 0;
}

// simavr maps an input to code = mV * 1023 / reference; the chip to code = input * 1024 / reference.
static void set_volts(const char *pin, double volts) {
  int mv = volts * 1000 + 0.5;
  if (strcmp(pin, "VCC") == 0) {
    board->vcc = board->avcc = board->aref = mv;
    return;
  }
  mv = volts * 1000 * 1024 / 1023 + 0.5;
  int most = board->avcc;  // above it, the chip's diodes would carry the current
  if (mv < 0) mv = 0;
  if (mv > most) mv = most;
  avr_irq_t *irq = avr_io_getirq(board, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + atoi(pin + 1));
  if (irq != NULL) avr_raise_irq(irq, mv);
}

// The Uno's pins: 0 to 7 are port D, 8 to 13 port B, A0 to A5 port C.
static void set_level(const char *pin, bool high) {
  static struct {
    uint8_t mask, value;
  } outside[3];  // of the ports B, C, D; simavr takes a port's pins together
  char port = 'C';
  int bit = atoi(pin[0] == 'A' ? pin + 1 : pin);
  if (pin[0] != 'A') {
    port = bit < 8 ? 'D' : 'B';
    bit %= 8;
  }
  uint8_t *mask = &outside[port - 'B'].mask, *value = &outside[port - 'B'].value;
  *mask |= 1 << bit;
  *value = high ? *value | 1 << bit : *value & ~(1 << bit);
  // Now, and whenever the sketch sets the port up, which would let its pull-ups win.
  avr_ioport_external_t external = {.name = port, .mask = *mask, .value = *value};
  avr_ioctl(board, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
  avr_raise_irq(avr_io_getirq(board, AVR_IOCTL_IOPORT_GETIRQ(port), IOPORT_IRQ_PIN0 + bit), high);
}

static void make_board(const char *elf) {
  elf_firmware_t firmware = {};
  if (elf_read_firmware(elf, &firmware) != 0) {
    fprintf(stderr, "fieldline-rig: cannot read the sketch %s\n", elf);
    exit(1);
  }
  board = avr_make_mcu_by_name("atmega328p");
  if (board == NULL) exit(1);
  avr_init(board);
  avr_load_firmware(board, &firmware);
  board->frequency = HZ;
  board->vcc = board->avcc = board->aref = SUPPLY_MV;

  uint32_t flags = 0;  // neither print what it sends nor sleep when it polls
  avr_ioctl(board, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(board, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
                          on_output, NULL);
  avr_irq_register_notify(avr_io_getirq(board, AVR_IOCTL_IOPORT_GETIRQ('B'), IOPORT_IRQ_PIN5),
                          on_led, NULL);
}

// ---- commands ----

static void obey(char *line) {
  char pin[8];
  double volts;
  int number;
  if (sscanf(line, "volts %7s %lf", pin, &volts) == 2) {
    set_volts(pin, volts);
  } else if (sscanf(line, "level %7s %d", pin, &number) == 2) {
    set_level(pin, number != 0);
  } else if (strncmp(line, "type ", 5) == 0) {
    size_t length = strlen(line + 5);
    if (in_begin == in_end) in_begin = in_end = 0;
    if (in_end + length + 1 < sizeof in) {
      memcpy(in + in_end, line + 5, length);
      in[in_end + length] = '\n';
      in_end += length + 1;
    }
  } else if (strcmp(line, "reset") == 0) {
    reset_board();
  } else if (strcmp(line, "unplug") == 0) {
    powered = false;
    close_pty();
  } else if (strcmp(line, "plug") == 0) {
    if (!powered) {
      reset_board();
      open_pty();
    }
    powered = true;
  } else if (sscanf(line, "garbage %d", &number) == 1) {
    look_at_pty();
    flush_out();
    while (number > 0) {
      char noise[256];
      int n = number < (int)sizeof noise ? number : (int)sizeof noise;
      for (int i = 0; i < n; i++) noise[i] = rand();
      send_out(noise, n);
      number -= n;
    }
  } else {
    fprintf(stderr, "fieldline-rig: no such command: %s\n", line);
  }
}

static void read_commands(void) {
  static char buffer[4096];
  static size_t length;
  ssize_t n = read(STDIN_FILENO, buffer + length, sizeof buffer - 1 - length);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) exit(0);
  length += n;
  char *line = buffer, *end;
  while ((end = memchr(line, '\n', buffer + length - line)) != NULL) {
    *end = '\0';
    obey(line);
    line = end + 1;
  }
  length -= line - buffer;
  memmove(buffer, line, length);
  if (length == sizeof buffer - 1) length = 0;
}

// ---- time ----

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

// Waits for a command no longer than so many microseconds.
static void wait_us(int64_t us) {
  struct timespec most = {us / 1000000, us % 1000000 * 1000};
  struct pollfd look = {.fd = STDIN_FILENO, .events = POLLIN};
  if (ppoll(&look, 1, &most, NULL) > 0) read_commands();
}

static void sleep_not(avr_t *avr, avr_cycle_count_t how_long) {
  // simavr would sleep here until the next timer, a thousand times a second. The cycles are
  // counted anyway, and the main loop waits for the wall clock once a slice.
  (void)avr, (void)how_long;
}

static void run_slice(avr_cycle_count_t until) {
  while (board->cycle < until) {
    int state = avr_run(board);
    if (state == cpu_Done) {
      fprintf(stderr, "fieldline-rig: the sketch sleeps with interrupts off, for ever\n");
      exit(1);
    }
    if (state == cpu_Crashed) {
      say("crashed");
      board->state = cpu_Running;
      reset_board();
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: fieldline-rig SKETCH.elf\n");
    return 2;
  }
  avr_global_logger_set(log_errors);
  make_board(argv[1]);
  board->sleep = sleep_not;
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  open_pty();

  int64_t wall_us = now_us();  // where the wall clock stands when this slice is to begin
  for (;;) {
    int64_t early = wall_us - now_us();
    if (early < -MAX_BEHIND_US) wall_us = now_us();
    // More than one wait, if commands come meanwhile.
    do {
      wait_us(early > 0 ? early : 0);
      early = wall_us - now_us();
    } while (early > 0);
    wall_us += SLICE_US;
    if (!powered) continue;
    read_pty();
    start_sending();
    run_slice(board->cycle + avr_usec_to_cycles(board, SLICE_US));
    if (dropped > 0) say("dropped %lu", dropped);
    dropped = 0;
  }
}
