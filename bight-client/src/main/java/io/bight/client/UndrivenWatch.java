// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says so when a client needs a driver and none comes: the answer to "why are my callbacks not
 * called?". Warns once in a loop's life. Its timer exists only while nobody drives.
 */
final class UndrivenWatch {
  private static final Logger LOG = LoggerFactory.getLogger(UndrivenWatch.class);
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private final MqttLoop loop;
  private final long patienceNanos;
  private final Consumer<String> warning;
  private final AtomicBoolean watching = new AtomicBoolean();

  /** Since when nobody drives; written by drivers as they leave, read by the timer. */
  private volatile long undrivenSinceNanos = System.nanoTime();

  /** Whether there is nothing to say any more. */
  private volatile boolean warned;

  /**
   * Makes a watch that says what it has to say to {@code warning}.
   *
   * @param patience for how long nobody may drive; zero: for ever
   */
  UndrivenWatch(MqttLoop loop, Duration patience, Consumer<String> warning) {
    this.loop = loop;
    this.patienceNanos = patience.toNanos();
    this.warning = warning;
    this.warned = patience.isZero();
  }

  static void warn(String message) {
    LOG.warn(message);
  }

  /** A driver has left. */
  void onDriverLeft() {
    undrivenSinceNanos = System.nanoTime();
    watch(patienceNanos);
  }

  /** Work has come, on any thread, while nobody drives. */
  void onWork() {
    watch(patienceNanos);
  }

  private void watch(long nanos) {
    if (!warned && !watching.get() && watching.compareAndSet(false, true)) {
      WatchTimer.schedule(this::look, nanos);
    }
  }

  private void look() {
    watching.set(false);
    if (warned || !loop.isNeglected()) {
      return; // looked at again when the next driver leaves or work comes
    }
    long left = patienceNanos - (System.nanoTime() - undrivenSinceNanos);
    if (left > 0) {
      watch(left);
      return;
    }
    warned = true;
    String clients =
        loop.clients().stream()
            .filter(MqttClient::needsDriver)
            .map(MqttClient::describe)
            .sorted()
            .collect(Collectors.joining(", "));
    warning.accept(
        (clients.isEmpty() ? "Work" : clients)
            + " waits, but nobody has driven the loop '"
            + loop.name()
            + "' for "
            + TimeUnit.NANOSECONDS.toMillis(patienceNanos) / 1000.0
            + " s, so no callback can run. Drive it in one of three ways: loopStart() for a thread in"
            + " the background, loopForever() on this thread, or loop(Duration) again and again from"
            + " a loop of your own. A blocking call such as await() drives too while it waits.");
  }
}
