// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A TCP link between a client and any server, on loopback, that can be broken on purpose: the
 * client connects to {@link #uri()}, and the link connects to the server.
 *
 * <pre>{@code
 * try (FaultLink link = FaultLink.to(server.uri())) {
 *   connect(link.uri());
 *   link.pause();          // a blackhole: nobody is told
 *   ...
 *   link.resume();
 * }
 * }</pre>
 *
 * <p>It has one daemon thread of its own, on which all bytes pass. All methods may be called from
 * any other thread and have taken effect when they return.
 */
public final class FaultLink implements AutoCloseable {
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("bight-testkit-link", true), NioIoHandler.newFactory());
  private final InetSocketAddress server;
  private final Channel listening;
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicLong bytesToServer = new AtomicLong();
  private final AtomicLong bytesToClient = new AtomicLong();

  // Only on the link's thread from here on.
  private final Set<Pair> pairs = Collections.newSetFromMap(new IdentityHashMap<>());
  private boolean pausedToServer;
  private boolean pausedToClient;
  private boolean refusing;
  private long delayNanos;
  private long bytesUntilCut = Long.MAX_VALUE;

  private FaultLink(InetSocketAddress server) {
    this.server = server;
    listening =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            // Nothing is read until the server's side is connected.
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel client) {
                    accept(client);
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  /**
   * Opens a link to a server.
   *
   * @param server its address; only host and port count
   * @return the link, listening
   */
  public static FaultLink to(URI server) {
    return to(server.getHost(), server.getPort() < 0 ? 1883 : server.getPort());
  }

  /**
   * Opens a link to a server.
   *
   * @param host its host
   * @param port its port
   * @return the link, listening
   */
  public static FaultLink to(String host, int port) {
    return new FaultLink(new InetSocketAddress(host, port));
  }

  /**
   * The address for the client.
   *
   * @return {@code mqtt://127.0.0.1:port}
   */
  public URI uri() {
    return URI.create("mqtt://127.0.0.1:" + port());
  }

  /**
   * The port for the client.
   *
   * @return 1 to 65535, the same as long as the link lives
   */
  public int port() {
    return ((InetSocketAddress) listening.localAddress()).getPort();
  }

  /** Swallows silence: no byte passes either way, and nobody is told. New connections hang too. */
  public void pause() {
    pause(true, true);
  }

  /** Lets no byte of the client pass; those of the server still do. */
  public void pauseToServer() {
    pause(true, false);
  }

  /** Lets no byte of the server pass; those of the client still do. */
  public void pauseToClient() {
    pause(false, true);
  }

  /** Lets bytes pass again, those first that were held. */
  public void resume() {
    pause(false, false);
  }

  /**
   * Lets every byte take longer.
   *
   * @param delay how long, each way; zero ends it
   */
  public void delay(Duration delay) {
    onThread(() -> delayNanos = delay.toNanos());
  }

  /**
   * Breaks all connections with a reset when so many more bytes have passed, both ways counted
   * together. The byte on which it happens is the last to pass. It happens once.
   *
   * @param bytes 1 or more
   */
  public void cutAfter(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("Cut after at least 1 byte, not " + bytes);
    }
    onThread(() -> bytesUntilCut = bytes);
  }

  /** Breaks all connections with a reset, both sides. New ones are accepted. */
  public void reset() {
    onThread(() -> List.copyOf(pairs).forEach(Pair::reset));
  }

  /** Closes all connections in order (FIN), both sides. New ones are accepted. */
  public void disconnect() {
    onThread(() -> List.copyOf(pairs).forEach(Pair::close));
  }

  /**
   * Resets every new connection at once, or ends that.
   *
   * @param refuse whether to
   */
  public void refuseConnections(boolean refuse) {
    onThread(() -> refusing = refuse);
  }

  /**
   * How many connections clients have made.
   *
   * @return the count since the start
   */
  public int connections() {
    return connections.get();
  }

  /**
   * How many bytes have gone to the server.
   *
   * @return the count since the start, without those held or lost
   */
  public long bytesToServer() {
    return bytesToServer.get();
  }

  /**
   * How many bytes have gone to the client.
   *
   * @return the count since the start, without those held or lost
   */
  public long bytesToClient() {
    return bytesToClient.get();
  }

  /** Ends all connections and the link's thread, for which it waits. */
  @Override
  public void close() {
    listening.close().syncUninterruptibly();
    disconnect();
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(10, TimeUnit.SECONDS);
    try {
      group.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void pause(boolean toServer, boolean toClient) {
    onThread(
        () -> {
          pausedToServer = toServer;
          pausedToClient = toClient;
          List.copyOf(pairs).forEach(Pair::pump);
        });
  }

  private void onThread(Runnable action) {
    group.submit(action).syncUninterruptibly();
  }

  private void accept(Channel client) {
    connections.incrementAndGet();
    if (refusing) {
      resetChannel(client);
      return;
    }
    Pair pair = new Pair(client);
    pairs.add(pair);
    client.pipeline().addLast(pair.toServer);
    new Bootstrap()
        .group(client.eventLoop())
        .channel(NioSocketChannel.class)
        .option(ChannelOption.TCP_NODELAY, true)
        .handler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(pair.toClient);
              }
            })
        .connect(server)
        .addListener(
            (ChannelFutureListener)
                connected -> {
                  if (!connected.isSuccess()) {
                    pair.reset();
                    return;
                  }
                  pair.server = connected.channel();
                  if (!pairs.contains(pair)) {
                    pair.endAsBefore();
                    return;
                  }
                  client.config().setAutoRead(true);
                  pair.pump();
                });
  }

  private static void resetChannel(Channel channel) {
    if (channel.isOpen()) {
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
      var unused = channel.close();
    }
  }

  /** The two sockets of one connection; on the link's thread. */
  private final class Pair {
    private final Channel client;
    private final Flow toServer = new Flow(this, true);
    private final Flow toClient = new Flow(this, false);
    private @Nullable Channel server;
    private boolean wasReset;

    Pair(Channel client) {
      this.client = client;
    }

    void pump() {
      toServer.pump();
      toClient.pump();
    }

    void reset() {
      wasReset = true;
      end();
      resetChannel(client);
      if (server != null) {
        resetChannel(server);
      }
    }

    void close() {
      end();
      var unused = client.close();
      if (server != null) {
        var unusedToo = server.close();
      }
    }

    /** The server's side was still being connected when the link broke. */
    void endAsBefore() {
      if (wasReset) {
        reset();
      } else {
        close();
      }
    }

    private void end() {
      pairs.remove(this);
      toServer.drop();
      toClient.drop();
    }
  }

  /** One direction of a connection: holds what may not pass yet, owns those buffers. */
  private final class Flow extends ChannelInboundHandlerAdapter {
    private final Pair pair;
    private final boolean isToServer;
    private final List<Held> held = new ArrayList<>();
    private boolean ended;

    Flow(Pair pair, boolean isToServer) {
      this.pair = pair;
      this.isToServer = isToServer;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!pairs.contains(pair)) {
        ((ByteBuf) message).release();
        return;
      }
      hold((ByteBuf) message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      // A FIN must not pass a paused link either: it is a segment like any other.
      if (pairs.contains(pair)) {
        hold(null);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      var unused = context.close();
    }

    private void hold(@Nullable ByteBuf bytes) {
      long dueNanos = System.nanoTime() + delayNanos;
      held.add(new Held(bytes, dueNanos));
      pump();
      if (delayNanos > 0) {
        var unused = group.schedule(this::pump, delayNanos, TimeUnit.NANOSECONDS);
      }
    }

    void pump() {
      Channel to = isToServer ? pair.server : pair.client;
      while (to != null && !ended && !held.isEmpty() && mayPass(held.get(0))) {
        ByteBuf bytes = held.remove(0).bytes();
        if (bytes == null) {
          pair.close();
          return;
        }
        pass(bytes, to);
      }
    }

    private boolean mayPass(Held next) {
      boolean paused = isToServer ? pausedToServer : pausedToClient;
      return !paused && next.dueNanos() - System.nanoTime() <= 0;
    }

    private void pass(ByteBuf bytes, Channel to) {
      int count = (int) Math.min(bytes.readableBytes(), bytesUntilCut);
      (isToServer ? bytesToServer : bytesToClient).addAndGet(count);
      if (count < bytesUntilCut) {
        bytesUntilCut -= bytesUntilCut == Long.MAX_VALUE ? 0 : count;
        var unused = to.writeAndFlush(bytes);
        return;
      }
      bytesUntilCut = Long.MAX_VALUE;
      bytes.writerIndex(bytes.readerIndex() + count);
      // The reset follows the write, or it would overtake the last bytes.
      var unused =
          to.writeAndFlush(bytes).addListener(written -> List.copyOf(pairs).forEach(Pair::reset));
    }

    void drop() {
      ended = true;
      for (Held each : held) {
        if (each.bytes() != null) {
          each.bytes().release();
        }
      }
      held.clear();
    }
  }

  private record Held(@Nullable ByteBuf bytes, long dueNanos) {}
}
