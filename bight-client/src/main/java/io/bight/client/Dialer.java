// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.NameResolver;
import io.bight.client.internal.PipelineParts;
import io.bight.client.internal.Transport;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to open a transport: looks the host up, tries its addresses one after the other, then
 * agrees on TLS and WebSocket where the URI asks for them. Belongs to the driver; the outcome is
 * told in a later turn, or never once it is cancelled.
 */
final class Dialer {
  /**
   * Guesses how much a socket will bring; each socket has a guess of its own. Up to 256 KiB, since
   * system calls are dear; and four reads in a turn, so that one client that is flooded leaves the
   * turn to others.
   */
  private static final RecvByteBufAllocator READ_SIZES =
      new AdaptiveRecvByteBufAllocator(64, 2_048, 256 * 1024).maxMessagesPerRead(4);

  private final IoEventLoop eventLoop;
  private final Transport transport;
  private final ByteBufAllocator allocator;
  private final ServerAddress server;
  private final TransportOptions options;
  private final int keepAliveSeconds;
  private final ClientWorker worker;
  private final Consumer<Throwable> onFailure;
  private @Nullable Channel channel;

  /** Ends the look-up, or the attempt for one address. */
  private @Nullable ScheduledFuture<?> timer;

  private boolean over;

  /**
   * Makes an attempt that has not begun.
   *
   * @param loop drives the transport
   * @param request what to open
   * @param worker learns of success by {@link ClientWorker#onTransportOpened}
   * @param onFailure is told why there is no transport
   */
  Dialer(
      MqttLoop loop, ConnectAttempt request, ClientWorker worker, Consumer<Throwable> onFailure) {
    this.eventLoop = loop.eventLoop();
    this.transport = loop.surroundings().transport();
    this.allocator = loop.surroundings().allocator();
    this.server = request.serverAddress();
    this.options = request.transportOptions();
    this.keepAliveSeconds = request.keepAliveSeconds();
    this.worker = worker;
    this.onFailure = onFailure;
  }

  void start() {
    InetAddress known = NameResolver.addressInDigits(server.host());
    if (known != null) {
      eventLoop.execute(() -> onResolved(List.of(known), null));
      return;
    }
    startTimer(() -> fail(new LookUpTimeoutException(server.host())));
    NameResolver.resolve(server.host())
        .whenComplete(
            (addresses, failure) -> {
              if (!eventLoop.isShutdown()) {
                eventLoop.execute(() -> onResolved(addresses, failure));
              }
            });
  }

  private void onResolved(@Nullable List<InetAddress> addresses, @Nullable Throwable failure) {
    if (over) {
      return;
    }
    endTimer();
    if (addresses == null) {
      fail(NameResolver.unwrapped(failure));
    } else {
      connect(addresses, 0);
    }
  }

  /** Tries one address, and then those behind it. */
  private void connect(List<InetAddress> addresses, int index) {
    Channel opened;
    try {
      opened = open();
    } catch (Throwable t) { // no more descriptors, or what TLS was given is of no use
      if (channel != null) {
        channel.close();
      }
      onTried(addresses, index, t);
      return;
    }
    InetSocketAddress address = new InetSocketAddress(addresses.get(index), server.port());
    ChannelPromise connecting = opened.newPromise();
    connecting.addListener(done -> onTried(addresses, index, done.cause()));
    startTimer(
        () -> {
          if (connecting.tryFailure(new SocketTimeoutException("no answer from " + address))) {
            opened.close();
          }
        });
    opened.connect(address, connecting);
  }

  private void onTried(List<InetAddress> addresses, int index, @Nullable Throwable failure) {
    endTimer();
    if (failure == null || over) {
      return;
    }
    if (index + 1 < addresses.size()) {
      connect(addresses, index + 1);
    } else {
      fail(failure);
    }
  }

  /** Makes a socket that is on the loop and not connected. */
  private Channel open() {
    Channel opened = transport.newSocketChannel(); // Netty switches Nagle's algorithm off
    channel = opened;
    opened.config().setConnectTimeoutMillis(0); // see startTimer
    opened.config().setAllocator(allocator);
    opened.config().setRecvByteBufAllocator(READ_SIZES);
    opened.config().setOption(ChannelOption.SO_KEEPALIVE, true);
    transport.limitUnacknowledged(opened, Duration.ofMillis(keepAliveSeconds * 1500L));
    EventLoopGroup loop = eventLoop;
    Throwable failure = loop.register(opened).cause(); // at once, since this is the driver
    if (failure != null) {
      throw new ChannelException("a socket could not be registered", failure);
    }
    fill(opened);
    return opened;
  }

  private void fill(Channel opened) {
    if (server.scheme().tls) {
      PipelineParts.addTls(
          opened,
          options.tls(),
          server.host(),
          server.port(),
          options.verifyHostName(),
          options.handshakeTimeout());
    }
    if (server.scheme().webSocket) {
      PipelineParts.addWebSocket(
          opened.pipeline(),
          URI.create(server.toString()),
          options.webSocketHeaders(),
          options.handshakeTimeout());
    }
    opened.pipeline().addLast(new ConnectionHandler(worker, server.scheme(), this::fail));
  }

  /** There is no transport; told once, whichever of connect and the pipeline tells first. */
  private void fail(Throwable cause) {
    if (!over) {
      over = true;
      endTimer();
      onFailure.accept(cause);
    }
  }

  /** Netty has a timer for this too, but its channels keep that as long as they are open. */
  private void startTimer(Runnable onTimeout) {
    timer = eventLoop.schedule(onTimeout, options.connectTimeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  private void endTimer() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }

  /** Gives up; nothing is told any more. */
  void cancel() {
    over = true;
    endTimer();
    if (channel != null) {
      channel.close();
    }
  }

  /** The name service has not answered within the connect timeout. */
  static final class LookUpTimeoutException extends IOException {
    private static final long serialVersionUID = 1L;

    LookUpTimeoutException(String host) {
      super("the look-up of '" + host + "' did not end");
    }
  }
}
