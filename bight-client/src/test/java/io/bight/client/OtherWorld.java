// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.Transport;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.function.DoubleSupplier;

/** Makes loops in a world that a test makes up. */
public final class OtherWorld {
  private OtherWorld() {}

  /** Makes a loop that takes nothing from the system, and that no other thread looks at. */
  public static MqttLoop loop(
      Transport transport, Ticker ticker, DoubleSupplier chance, ByteBufAllocator allocator) {
    return MqttLoop.builder()
        .name("simulated")
        .surroundings(new Surroundings(transport, ticker, chance, allocator))
        .slowCallback(Duration.ZERO)
        .undriven(Duration.ZERO, warning -> {})
        .build();
  }
}
