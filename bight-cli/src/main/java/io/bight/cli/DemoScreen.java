// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.cli.Readings.Reading;
import io.bight.client.ConnectEvent;
import io.bight.client.ConnectFailureEvent;
import io.bight.client.DisconnectEvent;
import io.bight.mqtt.engine.ConnectionEnd;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the demo prints: a line each second with the readings and who has them, a line for each
 * event, a table at the end. Colours and characters beyond ASCII only where the console shows them.
 * Any thread may print.
 */
final class DemoScreen {
  private static final DateTimeFormatter ROW_TIME = DateTimeFormatter.ofPattern("HH:mm:ss");
  private static final DateTimeFormatter EVENT_TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");
  private static final int ROWS_BELOW_A_HEADER = 20;

  private static final int TIME_WIDTH = 14;
  private static final int READING_WIDTH = 12;
  private static final int RECEIVER_WIDTH = 13;

  private static final String BOLD = "1";
  private static final String DIM = "2";
  private static final String RED = "31";
  private static final String GREEN = "32";
  private static final String YELLOW = "33";

  private final Console console;
  private int rowsSinceHeader = ROWS_BELOW_A_HEADER;
  private int transientWidth;

  DemoScreen(Console console) {
    this.console = console;
  }

  // ---- the beginning

  void introduce(int readings) {
    println(
        colour(BOLD, "Bight demo")
            + ": "
            + readings
            + " readings of this machine every second, through a broker, to four receivers at QoS 1");
    println("");
    for (DrivingMode mode : DrivingMode.values()) {
      println("  " + colour(mode.colour, pad(mode.label, RECEIVER_WIDTH)) + mode.explanation);
    }
    println("");
  }

  /** Shows what takes a while; on a terminal the next such line replaces it. */
  synchronized void progress(String text) {
    if (console.coloured) {
      console.out.print("\r" + pad(text, transientWidth));
      console.out.flush();
      transientWidth = text.length();
    }
  }

  synchronized void println(String line) {
    if (transientWidth > 0) {
      console.out.print("\r" + " ".repeat(transientWidth) + "\r");
      transientWidth = 0;
    }
    console.out.println(line);
    console.out.flush();
  }

  // ---- a second

  /**
   * Prints a row.
   *
   * @param roundTripNanos how long the slowest reading took to each receiver; nothing for those
   *     that miss some
   */
  synchronized void row(List<Reading> readings, Map<DrivingMode, Long> roundTripNanos) {
    if (rowsSinceHeader >= ROWS_BELOW_A_HEADER) {
      header(readings);
    }
    rowsSinceHeader++;
    StringBuilder line =
        new StringBuilder(pad(ROW_TIME.format(LocalTime.now(ZoneId.systemDefault())), TIME_WIDTH));
    for (Reading reading : readings) {
      line.append(pad(number(reading.value()) + " " + reading.unit(), READING_WIDTH));
    }
    for (DrivingMode mode : DrivingMode.values()) {
      Long nanos = roundTripNanos.get(mode);
      line.append(
          nanos == null
              ? colour(YELLOW, pad(sign("… waiting", "- waiting"), RECEIVER_WIDTH))
              : colour(mode.colour, pad(sign("✓ ", "+ ") + millis(nanos), RECEIVER_WIDTH)));
    }
    println(line.toString().stripTrailing());
  }

  private void header(List<Reading> readings) {
    rowsSinceHeader = 0;
    StringBuilder line = new StringBuilder(pad("time", TIME_WIDTH));
    for (Reading reading : readings) {
      line.append(pad(reading.name(), READING_WIDTH));
    }
    for (DrivingMode mode : DrivingMode.values()) {
      line.append(pad(mode.label, RECEIVER_WIDTH));
    }
    println(colour(BOLD, line.toString().stripTrailing()));
  }

  // ---- events

  void cut(DrivingMode mode, Duration time) {
    event(
        sign("✂", "x"),
        YELLOW,
        mode,
        "the demo cuts its connection, for " + seconds(time.toNanos()));
  }

  void mended(DrivingMode mode) {
    event(sign("⚯", "="), YELLOW, mode, "the way to the broker is open again");
  }

  void disconnected(DrivingMode mode, DisconnectEvent event) {
    if (event.by() == ConnectionEnd.By.USER) {
      return; // the end of the demo
    }
    event(
        sign("✗", "!"),
        RED,
        mode,
        "disconnected: " + event.message() + again(event.reconnectIn().orElse(null)));
  }

  void connectFailed(DrivingMode mode, ConnectFailureEvent event) {
    event(
        sign("✗", "!"),
        RED,
        mode,
        "attempt " + event.attempt() + " failed" + again(event.nextAttemptIn().orElse(null)));
  }

  private static String again(@Nullable Duration delay) {
    return delay == null ? ", no further attempt" : ", again in " + delay.toMillis() + " ms";
  }

  void reconnected(DrivingMode mode, ConnectEvent event) {
    event(
        sign("✓", "+"),
        GREEN,
        mode,
        "connected again; the broker has "
            + (event.isSessionPresent() ? "kept" : "lost")
            + " its session");
  }

  void caughtUp(DrivingMode mode, int readings) {
    event(
        sign("✓", "+"),
        GREEN,
        mode,
        "the " + readings + " readings sent in the meantime have arrived: nothing is lost");
  }

  private void event(String sign, String signColour, DrivingMode mode, String text) {
    println(
        colour(DIM, EVENT_TIME.format(LocalTime.now(ZoneId.systemDefault())))
            + "  "
            + colour(signColour, sign)
            + " "
            + colour(mode.colour, pad(mode.label, RECEIVER_WIDTH))
            + text);
  }

  // ---- the end

  /** Prints a table; the first row is its header. */
  void table(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    println("");
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder("  ");
      for (int i = 0; i < columns; i++) {
        // The first two columns are names, the others numbers.
        String cell = row.get(i);
        line.append(i < 2 ? pad(cell, widths[i]) : padLeft(cell, widths[i])).append("   ");
      }
      String text = line.toString().stripTrailing();
      println(row == rows.get(0) ? colour(BOLD, text) : text);
    }
    println("");
  }

  void note(String text) {
    println("  " + colour(DIM, text));
  }

  void verdict(boolean good, String text) {
    println(colour(good ? GREEN : RED, sign(good ? "✓ " : "✗ ", good ? "+ " : "! ")) + text);
  }

  // ---- pieces

  private static String number(double value) {
    String format = value >= 99.95 ? "%.0f" : "%.1f";
    return padLeft(String.format(Locale.ROOT, format, value), 5);
  }

  static String millis(long nanos) {
    double millis = nanos / 1e6;
    return String.format(Locale.ROOT, millis < 10 ? "%.1f ms" : "%.0f ms", millis);
  }

  static String seconds(long nanos) {
    return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
  }

  private String sign(String unicode, String ascii) {
    return console.unicode ? unicode : ascii;
  }

  private String colour(String code, String text) {
    return console.coloured ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }

  static String pad(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  private static String padLeft(String text, int width) {
    return " ".repeat(Math.max(0, width - text.length())) + text;
  }
}
