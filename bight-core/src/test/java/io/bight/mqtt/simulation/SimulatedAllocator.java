// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;

/** Heap buffers for everything, and how many of them are not released. */
final class SimulatedAllocator extends AbstractByteBufAllocator {
  private int live;

  SimulatedAllocator() {
    super(false);
  }

  /** Returns how many buffers nobody has released. */
  int live() {
    return live;
  }

  @Override
  protected ByteBuf newHeapBuffer(int initialCapacity, int maximumCapacity) {
    live++;
    return new Counted(initialCapacity, maximumCapacity);
  }

  @Override
  protected ByteBuf newDirectBuffer(int initialCapacity, int maximumCapacity) {
    return newHeapBuffer(initialCapacity, maximumCapacity);
  }

  @Override
  public boolean isDirectBufferPooled() {
    return false;
  }

  private final class Counted extends UnpooledHeapByteBuf {
    Counted(int initialCapacity, int maximumCapacity) {
      super(SimulatedAllocator.this, initialCapacity, maximumCapacity);
    }

    @Override
    protected void deallocate() {
      live--;
      super.deallocate();
    }
  }
}
