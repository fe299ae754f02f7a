// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Publishes messages over one connection, on the calling thread, and keeps account of those that
 * failed. So many are on their way at a time that the connection is always busy and a million do
 * not fill the heap.
 */
final class PublishAll {
  private static final int MOST_ON_THEIR_WAY = 2_000;
  private static final long MOST_BYTES_ON_THEIR_WAY = 16 << 20;
  private static final int MOST_FAILURES_TOLD = 5;

  private final Duration limit;
  private final long deadlineNanos;
  private final ArrayDeque<Sent> onTheirWay = new ArrayDeque<>();
  private final List<String> failures = new ArrayList<>();

  /** What the server had not acknowledged when the time was over. */
  private final List<String> late = new ArrayList<>();

  private long bytesOnTheirWay;
  private int taken;
  private int failed;
  private int tooLate;
  private @Nullable MqttException firstFailure;

  /** Set in a callback, and so on the same thread, which drives while it waits. */
  private @Nullable DisconnectEvent lost;

  private record Sent(int number, Publish message, MqttFuture<?> future) {
    String name() {
      return "message " + number + " to '" + message.topic() + "'";
    }
  }

  private PublishAll(Duration limit) {
    this.limit = limit;
    this.deadlineNanos = Deadline.after(limit);
  }

  static int run(MqttClientBuilder builder, Iterable<Publish> messages, Duration timeout) {
    return new PublishAll(timeout).run(builder, messages);
  }

  private int run(MqttClientBuilder builder, Iterable<Publish> messages) {
    try (MqttClient client = builder.onDisconnect(this::onDisconnect).build()) {
      client.connectAsync().awaitUntil(deadlineNanos, limit);
      Iterator<Publish> rest = messages.iterator();
      while (lost == null && rest.hasNext()) {
        Publish message = rest.next();
        onTheirWay.add(new Sent(++taken, message, client.publish(message)));
        bytesOnTheirWay += message.payload().length;
        if (onTheirWay.size() >= MOST_ON_THEIR_WAY || bytesOnTheirWay >= MOST_BYTES_ON_THEIR_WAY) {
          awaitHalf();
        }
      }
      while (!onTheirWay.isEmpty()) {
        awaitOldest();
      }
      throwIfAnyFailed(client, rest.hasNext());
      return taken;
    }
  }

  /** There is no other connection to wait for: what is on its way fails at once. */
  private void onDisconnect(DisconnectEvent event) {
    lost = event;
    event.client().closeAsync();
  }

  /** Makes room for many at once: message by message each would cost a turn and a write. */
  private void awaitHalf() {
    while (onTheirWay.size() > MOST_ON_THEIR_WAY / 2
        || bytesOnTheirWay > MOST_BYTES_ON_THEIR_WAY / 2) {
      awaitOldest();
    }
  }

  private void awaitOldest() {
    Sent oldest = onTheirWay.remove();
    bytesOnTheirWay -= oldest.message().payload().length;
    try {
      oldest.future().awaitUntil(deadlineNanos, limit);
    } catch (MqttTimeoutException e) {
      firstFailure = firstFailure == null ? e : firstFailure;
      tooLate++;
      if (late.size() < MOST_FAILURES_TOLD) {
        late.add(oldest.name());
      }
    } catch (MqttException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
      failed++;
      firstFailure = firstFailure == null ? e : firstFailure;
      if (failures.size() < MOST_FAILURES_TOLD) {
        String why = lost == null ? e.getMessage() : "the connection was lost before";
        failures.add(oldest.name() + ": " + why);
      }
    }
  }

  private void throwIfAnyFailed(MqttClient client, boolean someNotTaken) {
    DisconnectEvent loss = lost;
    if (failed == 0 && tooLate == 0 && loss == null) {
      return;
    }
    StringBuilder text = new StringBuilder(client.describe());
    if (loss != null) {
      text.append(" lost the connection: ").append(loss.message()).append(';');
    }
    text.append(" published ").append(taken - failed - tooLate).append(" of ");
    text.append(Count.of(taken, "message"));
    if (failed > 0) {
      text.append(", but not ").append(String.join("; ", failures));
    }
    if (failed > failures.size()) {
      text.append("; and ").append(failed - failures.size()).append(" more");
    }
    if (tooLate > 0) {
      text.append(failed > 0 ? "; and not " : ", but not ").append(String.join(", ", late));
      text.append(tooLate > late.size() ? " and " + (tooLate - late.size()) + " more" : "");
      text.append(", which the server had not acknowledged within ");
      text.append(limit.toMillis()).append(" ms; ").append(client.status().describeProgress());
    }
    if (someNotTaken) {
      text.append("; and none of those after them");
    }
    throw loss != null
        ? new MqttDisconnectedException(text.toString(), firstFailure)
        : firstFailure instanceof MqttTimeoutException
            ? timeout(text.toString(), firstFailure)
            : new MqttException(text.toString(), firstFailure);
  }

  private static MqttTimeoutException timeout(String text, MqttException cause) {
    MqttTimeoutException timeout = new MqttTimeoutException(text);
    timeout.addSuppressed(cause);
    return timeout;
  }
}
