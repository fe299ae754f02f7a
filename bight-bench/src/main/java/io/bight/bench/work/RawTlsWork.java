// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.SslProvider;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The works with TLS without a client: Netty with OpenSSL writes and reads the same bytes, half a
 * window at a time, on the loop's thread. No queue, no objects, no checks.
 */
record RawTlsWork(RawWork.Kind kind) implements Work {

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    Map<String, Long> before = control.counts();
    SslContext context =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.OPENSSL)
            .trustManager(
                ConnectionOptions.pem(Objects.requireNonNull(options.trustStore())).toFile())
            .build();
    IoHandlerFactory selector =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, selector);
    try {
      RawHandler handler = new RawHandler(kind, options);
      Bootstrap bootstrap =
          new Bootstrap()
              .group(loop)
              .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
              .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
              .handler(
                  new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                      channel
                          .pipeline()
                          .addLast(
                              context.newHandler(
                                  channel.alloc(), ConnectionOptions.HOST, options.port()))
                          .addLast(handler);
                    }
                  });
      Channel channel = bootstrap.connect(ConnectionOptions.HOST, options.port()).sync().channel();
      handler.ready.get(30, TimeUnit.SECONDS);
      if (kind == RawWork.Kind.RECEIVE) {
        control.flood();
      } else {
        channel.eventLoop().execute(() -> handler.publish(channel));
      }
      pass(handler, options.warmUp().toNanos());
      Meter meter = new Meter(control);
      meter.start(handler.done.get());
      pass(handler, options.measured().toNanos());
      Figures figures = meter.stop(handler.done.get());
      handler.stopped = true;
      control.stop();
      if (kind == RawWork.Kind.PUBLISH) {
        await("all is written", () -> handler.writing.get() == 0);
        Work.requireCount(control, before, "publishes", handler.done.get());
      }
      channel.close().sync();
      return figures;
    } finally {
      loop.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
    }
  }

  /** Lets time pass, and until something has been done. */
  private static void pass(RawHandler handler, long nanos) throws TimeoutException {
    long before = handler.done.get();
    long end = System.nanoTime() + nanos;
    for (long left = nanos; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
    await("anything is done", () -> handler.done.get() > before);
  }

  private static void await(String what, BooleanSupplier condition) throws TimeoutException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new TimeoutException("Not after 30 s: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** The end of the pipeline; on the loop's thread but for what is volatile. */
  private static final class RawHandler extends ChannelInboundHandlerAdapter {
    /** Half of a window is written while the other half is on its way. */
    private static final int HALVES = 2;

    final CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    final AtomicLong done = new AtomicLong();
    volatile boolean stopped;

    /** How many halves are being written; changed by the loop's thread, read by the program. */
    final AtomicInteger writing = new AtomicInteger();

    private final int half;
    private final ByteBuf packets;

    /** How many answers are to come before the work begins. */
    private int answers;

    // The packet that is being read
    private boolean inLength;
    private int shift;
    private int rest;

    RawHandler(RawWork.Kind kind, WorkOptions options) {
      this.half = Math.max(1, options.window() / 2);
      this.answers = kind == RawWork.Kind.RECEIVE ? 2 : 1;
      this.packets =
          Unpooled.wrappedBuffer(RawConnection.publishes(TOPIC, options.payloadBytes(), 0, half));
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof SslHandshakeCompletionEvent tls) {
        if (tls.isSuccess()) {
          context.writeAndFlush(Unpooled.wrappedBuffer(RawConnection.connect()));
        } else {
          ready.completeExceptionally(tls.cause());
        }
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      int packetsRead = 0;
      while (in.isReadable()) {
        if (rest > 0 && !inLength) {
          int skipped = Math.min(rest, in.readableBytes());
          in.skipBytes(skipped);
          rest -= skipped;
          packetsRead += rest == 0 ? 1 : 0;
        } else if (!inLength) {
          in.skipBytes(1);
          inLength = true;
          shift = 0;
        } else {
          byte next = in.readByte();
          rest |= (next & 0x7F) << shift;
          shift += 7;
          inLength = next < 0;
        }
      }
      in.release();
      if (answers > 0 && packetsRead > 0) {
        onAnswers(context, packetsRead);
      } else {
        done.lazySet(done.getPlain() + packetsRead);
      }
    }

    /** CONNACK, then SUBACK; each comes alone. */
    private void onAnswers(ChannelHandlerContext context, int count) {
      answers -= count;
      if (answers > 0) {
        context.writeAndFlush(Unpooled.wrappedBuffer(RawConnection.subscription(TOPIC, 0)));
      } else {
        ready.complete(null);
      }
    }

    void publish(Channel channel) {
      while (writing.get() < HALVES && !stopped) {
        writing.incrementAndGet();
        channel
            .writeAndFlush(packets.retainedDuplicate())
            .addListener(
                written -> {
                  if (written.isSuccess()) {
                    done.lazySet(done.getPlain() + half);
                  }
                  writing.decrementAndGet(); // after what is counted, which the program then sees
                  if (written.isSuccess()) {
                    publish(channel);
                  }
                });
      }
    }
  }
}
