// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import io.bight.broker.internal.BrokerServer;
import io.bight.broker.internal.BrokerSettings;
import io.bight.broker.internal.IsolatingClassLoader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A real MQTT 3.1, 3.1.1 and 5.0 broker in this JVM: HiveMQ Community Edition.
 *
 * <pre>{@code
 * try (EmbeddedBroker broker = EmbeddedBroker.start()) {
 *   client = MqttClient.builder(broker.uri()).build();
 * }
 * }</pre>
 *
 * <p>It listens on the loopback address and a free port unless told otherwise, lets every client
 * in, sends nothing home, and prints nothing: {@link #log()} has its last lines. Its classes are
 * loaded apart from the application's, so that neither sees the other's Netty or SLF4J.
 *
 * <p>It owns its threads and its temporary folder from {@link Builder#start()} to {@link #close()}.
 * While it runs, its threads keep the JVM alive. A temporary folder is deleted at the end of the
 * JVM, too. The methods may be called from any thread; starting and stopping exclude each other.
 */
public final class EmbeddedBroker implements AutoCloseable {

  private static final int MAXIMUM_PORT = 65_535;

  private final String host;
  private final BrokerFolder folder;
  private final RecentLog log = new RecentLog();
  private final Thread atExit;

  /** Guarded by this. After the first start, the ports that restart() asks for again. */
  private int port;

  private int webSocketPort;
  private boolean closed;

  /** The run under way; null between runs. */
  private @Nullable BrokerServer server;

  private EmbeddedBroker(Builder builder, BrokerFolder folder) {
    this.host = builder.host;
    this.port = builder.port;
    this.webSocketPort = builder.webSocketPort;
    this.folder = folder;
    this.atExit = new Thread(folder::deleteIfTemporary, "bight-broker-cleanup");
  }

  /**
   * Starts a broker on a free port of the loopback address that keeps everything in memory. Takes
   * two to three seconds the first time in a JVM and about a quarter of a second afterwards.
   *
   * @return the broker, accepting connections
   * @throws BrokerException if it cannot start
   */
  public static EmbeddedBroker start() {
    return builder().start();
  }

  /**
   * A builder with the defaults of {@link #start()}.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The address the broker is bound to.
   *
   * @return the host as the builder was given it
   */
  public String host() {
    return host;
  }

  /**
   * The TCP port the broker listens on. It stays the same over {@link #restart()}.
   *
   * @return the port, never 0
   */
  public synchronized int port() {
    return port;
  }

  /**
   * What a client connects to, such as {@code mqtt://127.0.0.1:40123}.
   *
   * @return the URI
   */
  public String uri() {
    return "mqtt://" + hostInUri() + ":" + port();
  }

  /**
   * What a client connects to over WebSocket, such as {@code ws://127.0.0.1:40124/mqtt}.
   *
   * @return the URI
   * @throws IllegalStateException if {@link Builder#webSocketPort} was not called
   */
  public synchronized String webSocketUri() {
    if (webSocketPort == BrokerSettings.NO_LISTENER) {
      throw new IllegalStateException(
          "This broker has no WebSocket listener: call webSocketPort(0) on its builder.");
    }
    return "ws://" + hostInUri() + ":" + webSocketPort + "/mqtt";
  }

  /**
   * Whether the broker accepts connections.
   *
   * @return false after {@link #stop()} and {@link #close()}
   */
  public synchronized boolean isRunning() {
    return server != null;
  }

  /**
   * The last 500 lines that brokers in this JVM logged at INFO or above while this one ran.
   *
   * @return the lines, oldest first
   */
  public List<String> log() {
    return log.lines();
  }

  /**
   * Closes all connections without a DISCONNECT and stops listening; {@link #restart()} starts
   * again. Without {@link Builder#persistent}, sessions and retained messages are gone. Does
   * nothing if the broker does not run.
   */
  public synchronized void stop() {
    if (server != null) {
      BrokerServer stopping = server;
      server = null;
      withBrokersContext(
          () -> {
            stopping.stop();
            return stopping;
          });
    }
  }

  /**
   * Stops the broker if it runs, and starts it again on the same ports. A broker made with {@link
   * Builder#persistent} comes back with its sessions, queued and retained messages; any other comes
   * back empty.
   *
   * @throws BrokerException if it cannot start, for instance because another program took the port
   * @throws IllegalStateException if the broker is closed
   */
  public synchronized void restart() {
    if (closed) {
      throw new IllegalStateException("The broker on port " + port + " is closed: make a new one.");
    }
    stop();
    run();
  }

  /** Stops the broker for good and deletes its files, unless they were asked to persist. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      stop();
    } finally {
      folder.deleteIfTemporary();
      forgetExit();
    }
  }

  private void forgetExit() {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The JVM is ending already and runs the hook, which finds nothing left to delete.
    }
  }

  private synchronized void startFirst() {
    Runtime.getRuntime().addShutdownHook(atExit);
    try {
      run();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void run() {
    requireFree(port, "port");
    requireFree(webSocketPort, "webSocketPort");
    BrokerSettings settings =
        new BrokerSettings(host, port, webSocketPort, !folder.temporary(), folder.path(), log::add);
    BrokerServer started =
        withBrokersContext(
            () -> {
              BrokerServer starting = IsolatingClassLoader.newServer();
              starting.start(settings);
              return starting;
            });
    server = started;
    port = started.port();
    webSocketPort = started.webSocketPort();
  }

  /**
   * HiveMQ says nothing useful about a port that is taken, and only after seconds, so ask first.
   * The free port 0 is HiveMQ's to choose: it binds before it tells the number, so nobody can come
   * in between.
   */
  private void requireFree(int wanted, String option) {
    if (wanted <= 0) {
      return;
    }
    try (ServerSocket probe = new ServerSocket()) {
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(InetAddress.getByName(host), wanted));
    } catch (UnknownHostException e) {
      throw new BrokerException(
          "The broker cannot listen on host " + host + ": unknown. Use 127.0.0.1.", e);
    } catch (IOException e) {
      throw new BrokerException(
          "The broker cannot listen on port "
              + wanted
              + " of "
              + host
              + ": "
              + e.getMessage()
              + ". Stop the program that holds the port, choose another, or use "
              + option
              + "(0) for any free one.",
          e);
    }
  }

  /** HiveMQ's libraries look for their parts in the context class loader, as do its threads. */
  private BrokerServer withBrokersContext(Work work) {
    Thread current = Thread.currentThread();
    ClassLoader context = current.getContextClassLoader();
    current.setContextClassLoader(IsolatingClassLoader.shared());
    try {
      return work.run();
    } catch (Exception | LinkageError e) {
      throw new BrokerException(
          "HiveMQ failed on " + host + " port " + port + ": " + e + ". It logged: " + log.errors(),
          e);
    } finally {
      current.setContextClassLoader(context);
    }
  }

  private String hostInUri() {
    return host.contains(":") ? "[" + host + "]" : host;
  }

  private interface Work {
    BrokerServer run() throws Exception;
  }

  /** What a broker is to be like. For one thread; every setting has a default. */
  public static final class Builder {

    private String host = "127.0.0.1";
    private int port;
    private int webSocketPort = BrokerSettings.NO_LISTENER;
    private @Nullable Path dataFolder;

    private Builder() {}

    /**
     * The address to bind; 127.0.0.1 by default. The broker asks nobody for a password, so bind it
     * to another address only in a network you trust.
     *
     * @param host a name or an address of this machine
     * @return this builder
     */
    public Builder host(String host) {
      if (host.isBlank()) {
        throw new IllegalArgumentException("The host is blank: use 127.0.0.1.");
      }
      this.host = host;
      return this;
    }

    /**
     * The TCP port; 0, the default, takes any free one.
     *
     * @param port 0 to 65535
     * @return this builder
     */
    public Builder port(int port) {
      this.port = requirePort(port);
      return this;
    }

    /**
     * Adds a WebSocket listener with the path {@code /mqtt}; there is none by default.
     *
     * @param port 0 to 65535, where 0 takes any free one
     * @return this builder
     */
    public Builder webSocketPort(int port) {
      this.webSocketPort = requirePort(port);
      return this;
    }

    /**
     * Keeps sessions, queued and retained messages in a folder, over {@link
     * EmbeddedBroker#restart()} and from one broker to the next. Without it they are kept in
     * memory, which is faster. One broker at a time may use a folder.
     *
     * @param dataFolder the folder; created if it is not there, never deleted
     * @return this builder
     */
    public Builder persistent(Path dataFolder) {
      this.dataFolder = dataFolder;
      return this;
    }

    /**
     * Starts the broker and waits until it accepts connections.
     *
     * @return the broker
     * @throws BrokerException if it cannot start; the message names the port or folder and a remedy
     */
    public EmbeddedBroker start() {
      BrokerFolder folder =
          dataFolder == null ? BrokerFolder.createTemporary() : BrokerFolder.open(dataFolder);
      EmbeddedBroker broker = new EmbeddedBroker(this, folder);
      broker.startFirst();
      return broker;
    }

    private static int requirePort(int port) {
      if (port < 0 || port > MAXIMUM_PORT) {
        throw new IllegalArgumentException(
            "The port " + port + " is not between 0 (any free one) and 65535.");
      }
      return port;
    }
  }
}
