// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Something asked of a client on any thread, to be done by the driver. Waits in the {@link
 * CommandQueue} without an object of the queue's: it is itself the link to the next one.
 */
interface Command {
  /** Does it; called by the driver. */
  void run(long nowNanos);

  /** It will not be done; called by any thread. */
  void reject(MqttException failure);

  /** Takes out the message that it carries, after which it does nothing; null if it has none. */
  default @Nullable PublishFuture takeMessage() {
    return null;
  }

  /** Returns how many messages it carries, or 1 if none: so much of a turn it takes. */
  default int weight() {
    return 1;
  }

  /**
   * Tells whether it does nothing but publish, and so may come before the handling of what has
   * arrived: others could end the connection, and what has arrived would be lost.
   */
  default boolean onlyPublishes() {
    return false;
  }

  /** Returns its neighbour in the queue; belongs to whoever has the command at the moment. */
  @Nullable Command next();

  void setNext(@Nullable Command next);

  static Command of(LongConsumer run, Consumer<MqttException> reject) {
    return new Linked() {
      @Override
      public void run(long nowNanos) {
        run.accept(nowNanos);
      }

      @Override
      public void reject(MqttException failure) {
        reject.accept(failure);
      }
    };
  }

  /** A command with the link that it needs in the queue. */
  abstract class Linked implements Command {
    private @Nullable Command next;

    @Override
    public final @Nullable Command next() {
      return next;
    }

    @Override
    public final void setNext(@Nullable Command next) {
      this.next = next;
    }
  }
}
