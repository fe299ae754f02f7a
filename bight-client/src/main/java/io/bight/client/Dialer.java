// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.NameResolver;
import io.bight.client.internal.PipelineParts;
import io.bight.client.internal.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoEventLoop;
import io.netty.resolver.NoopAddressResolverGroup;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
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
  private final IoEventLoop eventLoop;
  private final Transport transport;
  private final ServerAddress server;
  private final TransportOptions options;
  private final ClientWorker worker;
  private final Consumer<Throwable> onFailure;
  private @Nullable Channel channel;
  private @Nullable ScheduledFuture<?> lookUpTimer;
  private boolean over;

  /**
   * Makes an attempt that has not begun.
   *
   * @param loop drives the transport
   * @param worker learns of success by {@link ClientWorker#onTransportOpened}
   * @param onFailure is told why there is no transport
   */
  Dialer(
      MqttLoop loop,
      ServerAddress server,
      TransportOptions options,
      ClientWorker worker,
      Consumer<Throwable> onFailure) {
    this.eventLoop = loop.eventLoop();
    this.transport = loop.surroundings().transport();
    this.server = server;
    this.options = options;
    this.worker = worker;
    this.onFailure = onFailure;
  }

  void start() {
    lookUpTimer =
        eventLoop.schedule(
            () -> fail(new LookUpTimeoutException(server.host())),
            options.connectTimeout().toNanos(),
            TimeUnit.NANOSECONDS);
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
    endLookUpTimer();
    if (addresses == null) {
      fail(NameResolver.unwrapped(failure));
    } else {
      connect(addresses, 0);
    }
  }

  /** Tries one address, and then those behind it. */
  private void connect(List<InetAddress> addresses, int index) {
    Bootstrap bootstrap =
        new Bootstrap()
            .group(eventLoop)
            .channelFactory(transport::newSocketChannel)
            .resolver(NoopAddressResolverGroup.INSTANCE)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) options.connectTimeout().toMillis())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .handler(pipeline());
    transport.limitUnacknowledged(bootstrap, options.userTimeout());
    var connecting = bootstrap.connect(new InetSocketAddress(addresses.get(index), server.port()));
    channel = connecting.channel();
    connecting.addListener(
        done -> {
          if (eventLoop.inEventLoop()) {
            onTried(addresses, index, done.cause());
          } else {
            // Where no socket could even be made, Netty tells so on a thread of its own.
            eventLoop.execute(() -> onTried(addresses, index, done.cause()));
          }
        });
  }

  private void onTried(List<InetAddress> addresses, int index, @Nullable Throwable failure) {
    if (failure == null || over) {
      return;
    }
    if (index + 1 < addresses.size()) {
      connect(addresses, index + 1);
    } else {
      fail(failure);
    }
  }

  private ChannelInitializer<Channel> pipeline() {
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(Channel created) {
        if (server.scheme().tls) {
          PipelineParts.addTls(
              created,
              options.sslContext(),
              server.host(),
              server.port(),
              options.verifyHostName(),
              options.handshakeTimeout());
        }
        if (server.scheme().webSocket) {
          PipelineParts.addWebSocket(
              created.pipeline(),
              URI.create(server.toString()),
              options.webSocketHeaders(),
              options.handshakeTimeout());
        }
        created
            .pipeline()
            .addLast(new ConnectionHandler(worker, server.scheme(), Dialer.this::fail));
      }
    };
  }

  /** There is no transport; told once, whichever of connect and the pipeline tells first. */
  private void fail(Throwable cause) {
    if (!over) {
      over = true;
      endLookUpTimer();
      onFailure.accept(cause);
    }
  }

  private void endLookUpTimer() {
    if (lookUpTimer != null) {
      lookUpTimer.cancel(false);
      lookUpTimer = null;
    }
  }

  /** Gives up; nothing is told any more. */
  void cancel() {
    over = true;
    endLookUpTimer();
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
