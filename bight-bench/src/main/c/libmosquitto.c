// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
// The works with libmosquitto: the same messages, window and figures as the subjects in Java (see Subject.java).
// Takes name=value pairs, prints one line of JSON. One thread runs the library's loop and publishes from its
// callbacks; only with 'rate', where the program sets the pace as in Java, a thread of the library's runs it and
// the program's publishes. Allocation is not counted.
#include <mosquitto.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "bench/topic/0001"

enum kind { PUBLISH, RECEIVE, PING_PONG, RATE, START };

static enum kind kind;
static int qos, payload_bytes = 64, window = 1000, control = -1;
static char payload[1 << 20];
static struct mosquitto *client;
static int64_t begun, sent_nanos;
static _Atomic int64_t done; // and what else the library's thread touches with 'rate'
static int ready, stopped;
static atomic_int measuring;
static _Atomic int64_t due_nanos[65536];
static int library_thread;
static uint32_t *samples; // nanoseconds
static size_t sample_count, sample_room;

static int64_t now_nanos(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t cpu_nanos(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
         (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

static void fail(const char *what, int code) {
  fprintf(stderr, "libmosquitto: %s: %s\n", what, mosquitto_strerror(code));
  exit(1);
}

static void sample(int64_t nanos) {
  if (!measuring) return;
  if (sample_count == sample_room) {
    sample_room = sample_room ? 2 * sample_room : 1 << 16;
    samples = realloc(samples, sample_room * sizeof *samples);
    if (!samples) exit(1);
  }
  samples[sample_count++] = (uint32_t)(nanos > UINT32_MAX ? UINT32_MAX : nanos < 0 ? 0 : nanos);
}

static void publish(int64_t due) {
  static int expected;
  int id = 0;
  begun++;
  expected = expected % 65535 + 1; // on_publish may come before the call is back
  due_nanos[expected] = due;
  int code = mosquitto_publish(client, &id, TOPIC, payload_bytes, payload, qos, false);
  if (code) fail("publish", code);
  if (kind == RATE && id != expected) fail("packet identifiers do not go up by one", MOSQ_ERR_UNKNOWN);
}

// Half a window at a time, as in Java; at QoS 0, where each message is done at once, a whole one.
static void fill(void) {
  for (int i = 0; i < window && !stopped && begun - done < window; i++) publish(0);
}

static void on_connect(struct mosquitto *m, void *context, int code) {
  (void)m, (void)context;
  if (code) fail("connect", code);
  ready = 1;
}

static void on_subscribe(struct mosquitto *m, void *context, int id, int count, const int *granted) {
  (void)m, (void)context, (void)id, (void)count, (void)granted;
  ready = 2;
}

static void on_publish(struct mosquitto *m, void *context, int id) {
  (void)m, (void)context;
  if (kind == RATE) sample(now_nanos() - due_nanos[id & 0xffff]);
  done++; // last: whoever sees it finds the sample
}

static void on_message(struct mosquitto *m, void *context, const struct mosquitto_message *message) {
  (void)m, (void)context;
  if (message->payloadlen != payload_bytes) exit(1);
  if (kind == RECEIVE) {
    done++;
    return;
  }
  int64_t now = now_nanos();
  sample(now - sent_nanos);
  done++; // of round trips: on_publish is not set here
  if (stopped) return;
  sent_nanos = now_nanos();
  publish(0);
}

static void sleep_until(int64_t nanos) {
  struct timespec t = {.tv_sec = nanos / 1000000000, .tv_nsec = nanos % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {}
}

static void loop(int millis) {
  if (library_thread) {
    sleep_until(now_nanos() + millis * 1000000);
    return;
  }
  int code = mosquitto_loop(client, millis, 1);
  if (code) fail("loop", code);
}

static void run_until(int64_t end) {
  if (kind == RATE) {
    static int64_t next;
    if (!next) next = now_nanos();
    for (; next < end; next += 1000000) {
      sleep_until(next);
      publish(next);
    }
    return;
  }
  while (now_nanos() < end) {
    if (kind == PUBLISH && begun - done <= window / 2) fill();
    loop(10);
  }
}

static long ask(const char *command, const char *name) {
  char answer[512] = {0};
  size_t length = 0;
  if (write(control, command, strlen(command)) < 0) exit(1);
  while (!strchr(answer, '\n') && length < sizeof answer - 1) {
    ssize_t n = read(control, answer + length, sizeof answer - 1 - length);
    if (n <= 0) exit(1);
    length += (size_t)n;
  }
  char *at = strstr(answer, name);
  return at ? atol(at + strlen(name)) : 0;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile(double share) {
  size_t index = (size_t)(share * (double)sample_count);
  return samples[index < sample_count ? index : sample_count - 1] / 1e3;
}

int main(int count, char **arguments) {
  int port = 0, control_port = 0, code;
  int64_t warm_up = 6000, measured = 2000;
  const char *work = "";
  for (int i = 1; i < count; i++) {
    char *value = strchr(arguments[i], '=');
    if (!value) return 2;
    *value++ = 0;
    if (!strcmp(arguments[i], "work")) work = value;
    if (!strcmp(arguments[i], "port")) port = atoi(value);
    if (!strcmp(arguments[i], "controlPort")) control_port = atoi(value);
    if (!strcmp(arguments[i], "warmUpMillis")) warm_up = atoll(value);
    if (!strcmp(arguments[i], "measuredMillis")) measured = atoll(value);
    if (!strcmp(arguments[i], "payload")) payload_bytes = atoi(value);
    if (!strcmp(arguments[i], "window")) window = atoi(value);
  }
  if (payload_bytes > (int)sizeof payload) return 2;
  kind = !strncmp(work, "publish", 7)     ? PUBLISH
         : !strncmp(work, "receive", 7)   ? RECEIVE
         : !strncmp(work, "ping-pong", 9) ? PING_PONG
         : !strcmp(work, "rate")          ? RATE
                                          : START;
  qos = kind == RATE || kind == START ? 1 : work[strlen(work) - 1] - '0';

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)control_port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  control = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(control, (struct sockaddr *)&address, sizeof address)) return 1;
  long publishes = ask("counts\n", " publishes=");
  long sent = ask("counts\n", " sent=");

  mosquitto_lib_init();
  client = mosquitto_new("bench", true, NULL);
  if (!client) return 1;
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_max_inflight_messages_set(client, (unsigned)window);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_subscribe_callback_set(client, on_subscribe);
  mosquitto_message_callback_set(client, on_message);
  if (kind != PING_PONG) mosquitto_publish_callback_set(client, on_publish);
  if ((code = mosquitto_connect(client, "127.0.0.1", port, 60))) fail("connect", code);
  while (ready < 1) loop(10);
  if (kind == START) {
    publish(0);
    while (done < 1) loop(10);
    mosquitto_disconnect(client);
    puts("{}");
    return 0;
  }
  if (kind == RECEIVE || kind == PING_PONG) {
    mosquitto_subscribe(client, NULL, TOPIC, qos);
    while (ready < 2) loop(10);
  }
  if (kind == RECEIVE) ask("flood\n", "");
  if (kind == RATE) {
    library_thread = 1;
    if ((code = mosquitto_loop_start(client))) fail("loop_start", code);
  }
  if (kind == PING_PONG) {
    sent_nanos = now_nanos();
    publish(0);
  }

  run_until(now_nanos() + warm_up * 1000000);
  measuring = 1;
  int64_t sink_cpu = ask("counts\n", " cpuNanos=");
  int64_t first = done, cpu = cpu_nanos(), start = now_nanos();
  run_until(start + measured * 1000000);
  double wall = (double)(now_nanos() - start), used = (double)(cpu_nanos() - cpu);
  double messages = (double)(done - first);
  sink_cpu = ask("counts\n", " cpuNanos=") - sink_cpu;

  stopped = 1;
  int64_t longest = now_nanos() + INT64_C(10000000000);
  if (kind == RECEIVE) {
    ask("stop\n", "");
    int64_t expected = ask("counts\n", " sent=") - sent;
    while (done < expected && now_nanos() < longest) loop(10);
    if (done != expected) return fprintf(stderr, "libmosquitto: received %ld of %ld\n", (long)done, (long)expected), 1;
  } else {
    while (done < begun && now_nanos() < longest) loop(10);
    long counted = 0;
    while (counted < begun && now_nanos() < longest) counted = ask("counts\n", " publishes=") - publishes;
    if (counted != begun) return fprintf(stderr, "libmosquitto: sent %ld, counted %ld\n", (long)begun, counted), 1;
  }
  printf("{\"messages_per_second\":%.3f,\"cpu_nanos_per_message\":%.3f,\"cpu_percent\":%.3f,\"sink_cpu_percent\":%.3f,"
         "\"measured_seconds\":%.3f",
         messages * 1e9 / wall, used / messages, 100 * used / wall, 100 * (double)sink_cpu / wall, wall / 1e9);
  if (sample_count) {
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf(",\"p50_micros\":%.3f,\"p99_micros\":%.3f,\"p999_micros\":%.3f,\"max_micros\":%.3f", percentile(0.5),
           percentile(0.99), percentile(0.999), samples[sample_count - 1] / 1e3);
  }
  puts("}");
  mosquitto_disconnect(client);
  return 0;
}
