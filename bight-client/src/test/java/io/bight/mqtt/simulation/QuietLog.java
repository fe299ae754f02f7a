// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.lang.reflect.Field;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.EventConstants;

/**
 * Turns the client's log off while it is open: thousands of simulated accidents a second would be
 * thousands of lines.
 */
final class QuietLog implements AutoCloseable {
  private static final int OFF = EventConstants.ERROR_INT + 10;
  private static final List<String> NAMES =
      List.of(
          "io.bight.client.MqttClient",
          "io.bight.client.MqttLoop",
          "io.bight.client.internal.DrivenEventLoop",
          "io.netty.channel.DefaultChannelPipeline",
          "io.netty.channel.AbstractChannel",
          "io.netty.channel.ChannelOutboundBuffer",
          "io.netty.util.concurrent.DefaultPromise");

  private final Map<Logger, Integer> before = new LinkedHashMap<>();

  QuietLog() {
    for (String name : NAMES) {
      Logger logger = LoggerFactory.getLogger(name);
      before.put(logger, setLevel(logger, OFF));
    }
  }

  private static int setLevel(Logger logger, int level) {
    try {
      Field field = logger.getClass().getDeclaredField("currentLogLevel");
      field.setAccessible(true);
      int old = field.getInt(logger);
      field.setInt(logger, level);
      return old;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("slf4j-simple keeps its level elsewhere", e);
    }
  }

  @Override
  public void close() {
    before.forEach(QuietLog::setLevel);
  }
}
