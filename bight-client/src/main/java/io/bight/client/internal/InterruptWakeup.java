// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.nio.channels.spi.AbstractSelector;
import java.util.Set;

/**
 * Lets {@link Thread#interrupt()} end a wait that the JDK does not know of, such as the one in
 * native epoll, without a polling tick. The JDK calls {@link #wakeup()} of the selector that a
 * thread is waiting on when the thread is interrupted; this is a selector only so as to be called.
 * Used by the driver around each wait.
 */
final class InterruptWakeup extends AbstractSelector {
  private final Runnable wakeup;
  private volatile boolean interrupted;

  InterruptWakeup(Runnable wakeup) {
    super(null);
    this.wakeup = wakeup;
  }

  void beforeWait() {
    interrupted = false;
    begin();
  }

  /** Keeps the interrupt flag, which a wait in NIO clears. */
  void afterWait() {
    end();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Selector wakeup() {
    interrupted = true;
    wakeup.run();
    return this;
  }

  @Override
  protected void implCloseSelector() {}

  @Override
  protected SelectionKey register(AbstractSelectableChannel channel, int ops, Object attachment) {
    throw new UnsupportedOperationException("nothing is registered here");
  }

  @Override
  public Set<SelectionKey> keys() {
    return Set.of();
  }

  @Override
  public Set<SelectionKey> selectedKeys() {
    return Set.of();
  }

  @Override
  public int selectNow() throws IOException {
    return 0;
  }

  @Override
  public int select(long timeout) throws IOException {
    return 0;
  }

  @Override
  public int select() throws IOException {
    return 0;
  }
}
