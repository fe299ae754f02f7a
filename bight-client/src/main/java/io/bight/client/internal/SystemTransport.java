// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.time.Duration;

/** The ways to the operating system's sockets. */
public enum SystemTransport implements Transport {
  /** Linux's own selector, through Netty's native library. */
  EPOLL,
  /** The JDK's selector, everywhere. */
  NIO;

  /**
   * Returns the fastest one that works on this machine.
   *
   * @return epoll where its native library is there, else NIO
   */
  public static Transport best() {
    return Epoll.isAvailable() ? EPOLL : NIO;
  }

  @Override
  public IoHandlerFactory ioHandlerFactory() {
    return this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
  }

  @Override
  public SocketChannel newSocketChannel() {
    return this == EPOLL ? new EpollSocketChannel() : new NioSocketChannel();
  }

  @Override
  public void limitUnacknowledged(Channel channel, Duration userTimeout) {
    if (this == EPOLL && !userTimeout.isZero()) {
      channel.config().setOption(EpollChannelOption.TCP_USER_TIMEOUT, (int) userTimeout.toMillis());
    }
  }
}
