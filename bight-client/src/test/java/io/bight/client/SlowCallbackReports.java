// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What a loop says of slow callbacks, for tests. */
public final class SlowCallbackReports {
  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();

  /** Has what a loop says come here instead of going to the log. */
  public MqttLoop.Builder of(MqttLoop.Builder builder) {
    return builder.slowCallbackWarning(reports::add);
  }

  /** Waits for the next report. */
  public String take() {
    try {
      String report = reports.poll(20, TimeUnit.SECONDS);
      if (report == null) {
        throw new AssertionError("waited in vain for a report of a slow callback");
      }
      return report;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns how many reports have not been taken. */
  public int size() {
    return reports.size();
  }

  /** Returns how often a loop's watch has looked so far. */
  public static int looks(MqttLoop loop) {
    return loop.slowCallbackWatch().looks();
  }
}
