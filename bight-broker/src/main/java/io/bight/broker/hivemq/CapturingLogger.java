// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.hivemq;

import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/**
 * Hands records from INFO upwards to the brokers that run in this JVM. HiveMQ's log does not say
 * which broker wrote a record, so each broker gets all of them.
 */
final class CapturingLogger extends LegacyAbstractLogger {

  private static final long serialVersionUID = 1L;

  /** Any thread logs; {@link HiveMqServer} adds and removes. */
  private static final Set<Consumer<String>> RECEIVERS = new CopyOnWriteArraySet<>();

  CapturingLogger(String name) {
    this.name = name;
  }

  static void addReceiver(Consumer<String> receiver) {
    RECEIVERS.add(receiver);
  }

  static void removeReceiver(Consumer<String> receiver) {
    RECEIVERS.remove(receiver);
  }

  @Override
  protected void handleNormalizedLoggingCall(
      Level level,
      @Nullable Marker marker,
      @Nullable String format,
      Object @Nullable [] arguments,
      @Nullable Throwable cause) {
    String text = MessageFormatter.basicArrayFormat(format, arguments);
    String line = level + " " + name + ": " + text + (cause == null ? "" : " (" + cause + ")");
    RECEIVERS.forEach(receiver -> receiver.accept(line));
  }

  @Override
  protected @Nullable String getFullyQualifiedCallerName() {
    return null;
  }

  @Override
  public boolean isTraceEnabled() {
    return false;
  }

  @Override
  public boolean isDebugEnabled() {
    return false;
  }

  @Override
  public boolean isInfoEnabled() {
    return true;
  }

  @Override
  public boolean isWarnEnabled() {
    return true;
  }

  @Override
  public boolean isErrorEnabled() {
    return true;
  }
}
