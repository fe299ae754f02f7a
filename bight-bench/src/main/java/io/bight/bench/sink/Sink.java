// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import com.sun.management.OperatingSystemMXBean;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The server that the clients are measured against: it costs less than any of them. One thread, one
 * read and one write for many packets, nothing allocated for a message. It counts what is
 * published, acknowledges it, and floods who has subscribed; it keeps no session and checks little.
 *
 * <p>Programs that measure ask it on a port of its own, a line at a time (see {@link SinkControl}).
 */
public final class Sink implements AutoCloseable, Runnable {
  private static final int BUFFER_BYTES = 1024 * 1024;
  private static final int BACKLOG = 4_096;

  private final SinkOptions options;
  private final SinkCounts counts = new SinkCounts();
  private final @Nullable SslContext sslContext;
  private final Selector selector;
  private final ServerSocketChannel mqttServer;
  private final ServerSocketChannel controlServer;
  private final Thread thread;

  private final ByteBuffer input = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final ByteBuffer output = ByteBuffer.allocateDirect(BUFFER_BYTES);

  private volatile boolean closed;
  private @Nullable Throwable failure;

  private Sink(SinkOptions options) throws IOException {
    this.options = options;
    this.sslContext = options.keyStore() == null ? null : sslContext(options.keyStore());
    this.selector = Selector.open();
    this.mqttServer = listen();
    this.controlServer = listen();
    this.thread = new Thread(this, "sink");
  }

  /** Starts a sink on free ports of the loopback address. */
  public static Sink start(SinkOptions options) throws IOException {
    Sink sink = new Sink(options);
    sink.thread.setDaemon(true);
    sink.thread.start();
    return sink;
  }

  /** Says on standard output where it is, and ends with its standard input. */
  public static void main(String[] arguments) throws IOException {
    Map<String, String> values = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      values.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    try (Sink sink = start(SinkOptions.of(values))) {
      System.out.println(sink.port() + " " + sink.controlPort());
      InputStream in = System.in;
      while (in.read() >= 0) {
        // Nothing is said to it there.
      }
    }
  }

  public int port() throws IOException {
    return ((InetSocketAddress) mqttServer.getLocalAddress()).getPort();
  }

  public int controlPort() throws IOException {
    return ((InetSocketAddress) controlServer.getLocalAddress()).getPort();
  }

  private ServerSocketChannel listen() throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    server.configureBlocking(false);
    server.register(selector, SelectionKey.OP_ACCEPT);
    return server;
  }

  private static SslContext sslContext(Path file) throws IOException {
    char[] password = SinkOptions.PASSWORD.toCharArray();
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, password);
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, password);
      return SslContextBuilder.forServer(keys).build();
    } catch (GeneralSecurityException e) {
      throw new IOException("The key store " + file + " cannot be used: " + e.getMessage(), e);
    }
  }

  @Override
  public void run() {
    try {
      while (!closed) {
        selector.select(this::onReady);
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
      System.err.println("The sink has failed: " + e);
    } finally {
      for (SelectionKey key : selector.keys()) {
        closeQuietly(key);
      }
    }
  }

  private void onReady(SelectionKey key) {
    try {
      if (!key.isValid()) {
        return; // closed on command, among what was ready
      }
      if (key.channel() instanceof ServerSocketChannel server) {
        accept(server);
      } else if (key.attachment() instanceof SinkConnection connection) {
        if (key.isReadable()) {
          connection.onReadable(input, output);
        } else if (key.isWritable()) {
          connection.onWritable();
        }
      } else if (key.channel() instanceof SocketChannel control) {
        handleControl(control, key);
      }
    } catch (IOException e) {
      // The client has gone without DISCONNECT: what it did until then is counted.
      closeQuietly(key);
    } catch (RuntimeException e) {
      System.err.println("The sink closes a connection: " + e);
      closeQuietly(key);
    }
  }

  private static void closeQuietly(SelectionKey key) {
    try {
      key.cancel();
      key.channel().close();
    } catch (IOException e) {
      // It is gone all the same.
    }
  }

  private void accept(ServerSocketChannel server) throws IOException {
    for (SocketChannel channel = server.accept(); channel != null; channel = server.accept()) {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
      if (server == mqttServer) {
        Wire wire = Wire.plain(channel);
        if (sslContext != null) {
          wire =
              new TlsWire(
                  channel, sslContext.newEngine(io.netty.buffer.UnpooledByteBufAllocator.DEFAULT));
        }
        key.attach(new SinkConnection(options, counts, channel, key, wire));
      }
    }
  }

  private void handleControl(SocketChannel control, SelectionKey key) throws IOException {
    ByteBuffer line = ByteBuffer.allocate(256);
    if (control.read(line) < 0) {
      closeQuietly(key);
      return;
    }
    String commands = new String(line.array(), 0, line.position(), StandardCharsets.US_ASCII);
    for (String command : commands.lines().toList()) {
      for (SelectionKey each : selector.keys()) {
        if (each.attachment() instanceof SinkConnection connection) {
          switch (command) {
            case "flood" -> connection.startFlood();
            case "stop" -> connection.stopFlood();
            case "close" -> connection.close();
            default -> {}
          }
        }
      }
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      String answer =
          counts + " cpuNanos=" + system.getProcessCpuTime() + " nowNanos=" + System.nanoTime();
      control.write(ByteBuffer.wrap((answer + "\n").getBytes(StandardCharsets.US_ASCII)));
    }
  }

  /** Ends the thread and all connections. */
  @Override
  public void close() throws IOException {
    closed = true;
    selector.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    selector.close();
    if (failure != null) {
      throw new IOException("The sink has failed.", failure);
    }
  }
}
