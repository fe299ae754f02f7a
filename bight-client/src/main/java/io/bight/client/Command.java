// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** Something asked of a client on any thread, to be done by the driver. */
interface Command {
  /** Does it; called by the driver. */
  void run(long nowNanos);

  /** It will not be done; called by any thread. */
  void reject(MqttException failure);

  /** Returns how much memory the message that it carries takes, or 0 if it carries none. */
  default int messageBytes() {
    return 0;
  }

  static Command of(LongConsumer run, Consumer<MqttException> reject) {
    return new Command() {
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
}
