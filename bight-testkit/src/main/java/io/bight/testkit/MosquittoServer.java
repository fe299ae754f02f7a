// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real Eclipse Mosquitto, started as a process of its own on a free port of 127.0.0.1, with its
 * configuration and data in a temporary folder, and gone with {@link #close()}.
 *
 * <pre>{@code
 * assumeTrue(MosquittoServer.isInstalled());
 * try (MosquittoServer server = MosquittoServer.start()) {
 *   connect(server.uri());
 *   server.kill();
 *   server.restart();
 * }
 * }</pre>
 *
 * <p>For one thread at a time.
 */
public final class MosquittoServer implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(10);
  private static final int PORTS_TO_TRY = 5;

  private final Path folder;
  private final List<String> configuration;
  private int port;
  private @Nullable Process process;

  private MosquittoServer(List<String> configuration) {
    this.configuration = List.copyOf(configuration);
    try {
      folder = Files.createTempDirectory("bight-mosquitto");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make a folder for Mosquitto", e);
    }
  }

  /**
   * Whether the program is there: in the {@code PATH}, or where Debian puts it.
   *
   * @return true if {@link #start} can be called
   */
  public static boolean isInstalled() {
    return program() != null;
  }

  /**
   * Starts a server that lets anybody in, and waits until it accepts connections.
   *
   * @param configuration more lines of its configuration: {@code "max_keepalive 10"}
   * @return the server
   * @throws IllegalStateException if it is not installed or does not start, with its log
   */
  public static MosquittoServer start(String... configuration) {
    return start(List.of(configuration));
  }

  /**
   * Starts a server that keeps sessions and retained messages on disk, so that they survive {@link
   * #stop()} and {@link #restart()}. After {@link #kill()} only what it had written by then is
   * there.
   *
   * @param configuration more lines of its configuration
   * @return the server
   * @throws IllegalStateException if it is not installed or does not start, with its log
   */
  public static MosquittoServer startPersistent(String... configuration) {
    List<String> lines = new ArrayList<>(List.of(configuration));
    lines.add("persistence true");
    lines.add("autosave_interval 1");
    lines.add("autosave_on_changes true");
    return start(lines);
  }

  private static MosquittoServer start(List<String> configuration) {
    MosquittoServer server = new MosquittoServer(configuration);
    try {
      server.startOnFreePort();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /**
   * The address to connect to.
   *
   * @return {@code mqtt://127.0.0.1:port}
   */
  public URI uri() {
    return URI.create("mqtt://127.0.0.1:" + port);
  }

  /**
   * The port it listens on, the same after {@link #restart()}.
   *
   * @return 1 to 65535
   */
  public int port() {
    return port;
  }

  /**
   * Whether the process runs.
   *
   * @return true if it does
   */
  public boolean isRunning() {
    return process != null && process.isAlive();
  }

  /**
   * What the server has logged since it was last started.
   *
   * @return its log, each line of each kind
   */
  public String log() {
    try {
      return Files.readString(logFile(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read Mosquitto's log", e);
    }
  }

  /** Ends the process in order (SIGTERM), and waits for that. */
  public void stop() {
    end(false);
  }

  /** Ends the process at once (SIGKILL): no DISCONNECT, nothing saved. */
  public void kill() {
    end(true);
  }

  /**
   * Starts it again on the same port, after stopping it if it runs.
   *
   * @throws IllegalStateException if it does not start, with its log
   */
  public void restart() {
    stop();
    startOnPort();
  }

  /** Ends the process and deletes its folder. */
  @Override
  public void close() {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot delete " + folder, e);
    }
  }

  /** Somebody else may take the port between our look and the server's bind: then another one. */
  private void startOnFreePort() {
    for (int attempt = 1; ; attempt++) {
      port = freePort();
      try {
        startOnPort();
        return;
      } catch (IllegalStateException e) {
        boolean taken = String.valueOf(e.getMessage()).contains("Address already in use");
        if (!taken || attempt == PORTS_TO_TRY) {
          throw e;
        }
      }
    }
  }

  private void startOnPort() {
    Path program = program();
    if (program == null) {
      throw new IllegalStateException("Mosquitto is not installed: no 'mosquitto' in the PATH");
    }
    try {
      Path file = folder.resolve("mosquitto.conf");
      Files.write(file, configurationLines());
      process =
          new ProcessBuilder(program.toString(), "-c", file.toString())
              .redirectErrorStream(true)
              .redirectOutput(logFile().toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot start " + program, e);
    }
    awaitStarted(process);
  }

  private List<String> configurationLines() {
    List<String> lines = new ArrayList<>();
    lines.add("listener " + port + " 127.0.0.1");
    lines.add("allow_anonymous true");
    lines.add("log_dest stderr");
    lines.add("log_type all");
    lines.add("persistence_location " + folder + "/");
    // Started by root it would change to a user who may not write into our folder.
    lines.add("user " + System.getProperty("user.name"));
    lines.addAll(configuration);
    return lines;
  }

  /** The log says so when it runs; that the port answers as well makes it certain. */
  private void awaitStarted(Process started) {
    long deadlineNanos = System.nanoTime() + START.toNanos();
    try {
      // Waiting for the end of the process is the pause between two looks, and ends early if it
      // fails.
      while (!started.waitFor(10, TimeUnit.MILLISECONDS)) {
        if (log().contains(" running") && accepts()) {
          return;
        }
        if (System.nanoTime() - deadlineNanos > 0) {
          break;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    kill();
    throw new IllegalStateException("Mosquitto does not start on port " + port + ":\n" + log());
  }

  private boolean accepts() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void end(boolean atOnce) {
    Process running = process;
    if (running == null) {
      return;
    }
    process = null;
    if (atOnce) {
      running.destroyForcibly();
    } else {
      running.destroy();
    }
    try {
      if (!running.waitFor(10, TimeUnit.SECONDS)) {
        running.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      running.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private Path logFile() {
    return folder.resolve("log");
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("No free port on 127.0.0.1", e);
    }
  }

  private static @Nullable Path program() {
    List<String> folders = new ArrayList<>();
    String path = System.getenv("PATH");
    if (path != null) {
      folders.addAll(List.of(path.split(java.io.File.pathSeparator)));
    }
    folders.addAll(List.of("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"));
    for (String each : folders) {
      Path candidate = Path.of(each, "mosquitto");
      if (Files.isExecutable(candidate) && Files.isRegularFile(candidate)) {
        return candidate;
      }
    }
    return null;
  }
}
