// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.socket.DuplexChannel;
import java.time.Duration;

/** A way to sockets: the operating system's, or a network that a test makes up. */
public interface Transport {
  /**
   * Returns what makes a loop's selector.
   *
   * @return a factory for one loop
   */
  IoHandlerFactory ioHandlerFactory();

  /**
   * Makes a socket for a loop of this transport.
   *
   * @return a socket that is not connected, without Nagle's algorithm
   */
  DuplexChannel newSocketChannel();

  /**
   * Has the system break a connection whose written bytes stay unacknowledged, where it can.
   *
   * @param channel the socket
   * @param userTimeout for how long; zero: no limit
   */
  void limitUnacknowledged(Channel channel, Duration userTimeout);
}
