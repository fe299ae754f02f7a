// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.SystemTransport;
import io.bight.client.internal.Transport;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;

/**
 * All that a loop and its clients take from the world around them. A test that puts something else
 * in its place decides what happens, and when.
 *
 * @param transport where connections come from
 * @param ticker what time it is
 * @param chance numbers from 0 to below 1, for delays
 * @param allocator the memory of what is to be sent
 */
record Surroundings(
    Transport transport, Ticker ticker, DoubleSupplier chance, ByteBufAllocator allocator) {
  /** Returns those of a program: the system's. */
  static Surroundings ofSystem(Transport transport) {
    return new Surroundings(
        transport,
        Ticker.systemTicker(),
        () -> ThreadLocalRandom.current().nextDouble(),
        PooledByteBufAllocator.DEFAULT);
  }

  static Surroundings best() {
    return ofSystem(SystemTransport.best());
  }
}
