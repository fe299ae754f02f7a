// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.unix.FileDescriptor;
import java.nio.channels.SelectableChannel;

/**
 * Stands between an I/O handler and a socket, so that a loop can wait for the socket without
 * handling what is ready. Nothing is lost by that: both selectors are level-triggered, so they tell
 * it again in the next turn.
 */
abstract class WatchedHandle implements IoHandle {
  private final DrivenEventLoop loop;
  private final IoHandle handle;

  private WatchedHandle(DrivenEventLoop loop, IoHandle handle) {
    this.loop = loop;
    this.handle = handle;
  }

  static IoHandle of(DrivenEventLoop loop, IoHandle handle) {
    if (handle instanceof EpollIoHandle epoll) {
      return new Epoll(loop, epoll);
    } else if (handle instanceof NioIoHandle nio) {
      return new Nio(loop, nio);
    }
    throw new IllegalArgumentException("a handle of neither epoll nor NIO: " + handle.getClass());
  }

  @Override
  public void handle(IoRegistration registration, IoEvent event) {
    if (!loop.isWatching()) {
      handle.handle(registration, event);
    }
  }

  @Override
  public void registered() {
    handle.registered();
  }

  @Override
  public void unregistered() {
    handle.unregistered();
  }

  @Override
  public void close() throws Exception {
    if (loop.isWatching()) {
      loop.execute(this::closeInTurn);
    } else {
      handle.close();
    }
  }

  private void closeInTurn() {
    try {
      handle.close();
    } catch (Exception e) {
      throw new IllegalStateException("a socket could not be closed", e);
    }
  }

  private static final class Epoll extends WatchedHandle implements EpollIoHandle {
    private final EpollIoHandle handle;

    Epoll(DrivenEventLoop loop, EpollIoHandle handle) {
      super(loop, handle);
      this.handle = handle;
    }

    @Override
    public FileDescriptor fd() {
      return handle.fd();
    }
  }

  private static final class Nio extends WatchedHandle implements NioIoHandle {
    private final NioIoHandle handle;

    Nio(DrivenEventLoop loop, NioIoHandle handle) {
      super(loop, handle);
      this.handle = handle;
    }

    @Override
    public SelectableChannel selectableChannel() {
      return handle.selectableChannel();
    }
  }
}
