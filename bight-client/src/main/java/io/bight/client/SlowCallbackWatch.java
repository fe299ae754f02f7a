// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says so when a callback holds up a loop: the answer to "why does the connection drop when my
 * handler is slow?". Looks now and then which callback the loop is in; one that is still there when
 * the patience is over is slow. So a callback costs a few stores and no clock, and of how long it
 * took only the least is known.
 *
 * <pre>
 *   ASLEEP --a callback begins--&gt; AWAKE --nothing has run between two looks--&gt; DROWSY
 *     ^                             ^                                           |
 *     |                             +------------ something has run ------------+
 *     +------------------ still nothing: no look is planned --------------------+
 * </pre>
 *
 * <p>The last look is there because a driver that has just begun a callback may not have seen that
 * the watch goes to sleep.
 */
final class SlowCallbackWatch {
  private static final Logger LOG = LoggerFactory.getLogger(SlowCallbackWatch.class);
  static final Duration PATIENCE = Duration.ofMillis(500);

  /** A callback that goes on is reported again when it has taken so many times as long. */
  private static final int REPEAT_FACTOR = 4;

  // So that callbacks that are all slow do not fill the log.
  private static final int MOST_REPORTS_AT_ONCE = 10;
  private static final long NANOS_PER_REPORT = TimeUnit.SECONDS.toNanos(10);

  private static final int MOST_REMEMBERED = 5;
  private static final int ASLEEP = 0;
  private static final int AWAKE = 1;
  private static final int DROWSY = 2;

  private final MqttLoop loop;
  private final long patienceNanos;
  private final long lookEveryNanos;
  private final Consumer<String> warning;

  /** Changed by the driver and by the timer. */
  private final AtomicInteger state = new AtomicInteger(ASLEEP);

  /** The slow callback that runs; set by the timer, taken by whoever sees first that it ended. */
  private final AtomicReference<@Nullable SlowCallback> slow = new AtomicReference<>();

  // Touched by the timer, but read by others for people to see.
  private volatile long seenCount;
  private volatile long seenSinceNanos;
  private final AtomicInteger looks = new AtomicInteger();

  // Touched by the timer only
  private long nextReportNanos;
  private int reportsLeft = MOST_REPORTS_AT_ONCE;
  private long reportsCountedNanos;
  private int notReported;

  /** The last ones that have ended; guarded by itself. */
  private final ArrayDeque<String> remembered = new ArrayDeque<>();

  /** Guarded by {@link #remembered}. */
  private long slowSoFar;

  private record SlowCallback(String name, long sinceNanos, boolean reported) {}

  /**
   * Makes a watch that says what it has to say to {@code warning}.
   *
   * @param patience when a callback is slow; zero: never
   */
  SlowCallbackWatch(MqttLoop loop, Duration patience, Consumer<String> warning) {
    this.loop = loop;
    this.patienceNanos = patience.toNanos();
    this.lookEveryNanos = Math.max(TimeUnit.MILLISECONDS.toNanos(1), patienceNanos / 2);
    this.warning = warning;
    this.reportsCountedNanos = System.nanoTime();
    if (patienceNanos == 0) {
      state.set(AWAKE); // nobody wakes it
    }
  }

  static void warn(String message) {
    LOG.warn(message);
  }

  // ---- the driver's side

  /** A callback begins. */
  void onCallback() {
    if (state.get() != AWAKE) {
      wake();
    }
  }

  private void wake() {
    if (state.compareAndSet(ASLEEP, AWAKE)) {
      WatchTimer.schedule(this::look, lookEveryNanos);
    } else {
      state.compareAndSet(DROWSY, AWAKE); // the next look is planned
    }
  }

  /** A callback has ended. */
  void onCallbackEnded() {
    if (slow.get() != null) {
      finish();
    }
  }

  // ---- the timer's side

  private void look() {
    looks.incrementAndGet();
    try {
      if (lookAt(loop.running().count(), System.nanoTime())) {
        state.set(AWAKE);
      } else if (state.compareAndSet(DROWSY, ASLEEP)) {
        return;
      } else {
        state.compareAndSet(AWAKE, DROWSY);
      }
    } catch (RuntimeException | Error e) { // of a logger, say; the watch must not end by it
      LOG.debug("The watch of the loop '{}' could not say that a callback is slow", loop.name(), e);
    }
    WatchTimer.schedule(this::look, lookEveryNanos);
  }

  /** Returns whether anything has run since the last look. */
  private boolean lookAt(long count, long nowNanos) {
    if (count != seenCount) {
      finish(); // if its end came before it was known to be slow
      seenSinceNanos = nowNanos;
      seenCount = count;
      nextReportNanos = nowNanos + patienceNanos;
      return true;
    }
    if (!RunningCallback.isRunning(count)) {
      return false;
    }
    if (nowNanos - nextReportNanos >= 0) {
      long took = nowNanos - seenSinceNanos;
      nextReportNanos = seenSinceNanos + took * REPEAT_FACTOR;
      onSlow(count, took, nowNanos);
    }
    return true;
  }

  private void onSlow(long count, long tookNanos, long nowNanos) {
    String name = loop.running().describe();
    String place = loop.describeDriverStack();
    if (name == null || loop.running().count() != count) {
      return; // it has just ended
    }
    SlowCallback before = slow.get();
    if (before == null) {
      synchronized (remembered) {
        slowSoFar++; // first: who reads the report finds it counted
      }
    }
    boolean reported = mayReport(nowNanos);
    if (reported) {
      warning.accept(report(name, tookNanos, place));
    }
    reported |= before != null && before.reported();
    slow.compareAndSet(before, new SlowCallback(name, seenSinceNanos, reported));
    if (loop.running().count() != count) {
      finish(); // the driver may not have seen it
    }
  }

  private boolean mayReport(long nowNanos) {
    long more = (nowNanos - reportsCountedNanos) / NANOS_PER_REPORT;
    reportsCountedNanos += more * NANOS_PER_REPORT;
    reportsLeft = (int) Math.min(MOST_REPORTS_AT_ONCE, reportsLeft + more);
    if (reportsLeft == 0) {
      notReported++;
      return false;
    }
    reportsLeft--;
    return true;
  }

  private String report(String name, long tookNanos, String place) {
    String others =
        notReported == 0
            ? ""
            : " (slow too since the last report: " + Count.of(notReported, "other callback") + ")";
    notReported = 0;
    return name
        + " has been running for at least "
        + TimeUnit.NANOSECONDS.toMillis(tookNanos)
        + " ms on the thread of the loop '"
        + loop.name()
        + "', "
        + loop.describeState()
        + ". Until it returns nothing else happens on this loop: no message, no keep alive, for none"
        + " of its clients ("
        + loop.clients().size()
        + "). Let long work run elsewhere: handlers on a callbackExecutor, stages of futures by"
        + " their ...Async forms"
        + others
        + ". It is here:"
        + place;
  }

  /** What was slow has ended; whoever comes first says so. */
  private void finish() {
    SlowCallback ending = slow.getAndSet(null);
    if (ending == null) {
      return;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - ending.sinceNanos());
    String line = ending.name() + " took at least " + millis + " ms";
    synchronized (remembered) {
      if (remembered.size() == MOST_REMEMBERED) {
        remembered.removeFirst();
      }
      remembered.addLast(line);
    }
    if (ending.reported()) {
      String next = loop.isClosed() ? "' is closed" : "' goes on";
      warning.accept(line + " and has returned; the loop '" + loop.name() + next);
    }
  }

  // ---- for people

  /** Tells what runs and what was slow; any thread. */
  String diagnostics() {
    String running = describeRunning();
    String runs = running == null ? "none" : running;
    StringJoiner text = new StringJoiner("\n    ");
    synchronized (remembered) {
      text.add("\n  running callback: " + runs + "\n  slow callbacks so far: " + slowSoFar);
      remembered.forEach(text::add);
    }
    return text.toString();
  }

  /** Names the callback that runs and since when, or returns null if none does; any thread. */
  @Nullable String describeRunning() {
    long count = loop.running().count();
    String name = loop.running().describe();
    if (name == null || patienceNanos == 0) {
      return name;
    }
    long since = seenSinceNanos;
    boolean seen = seenCount == count;
    long millis = seen ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since) : 0;
    return name + (seen ? ", for at least " + millis + " ms" : ", begun just now");
  }

  /** Returns how often the watch has looked; for tests. */
  int looks() {
    return looks.get();
  }
}
