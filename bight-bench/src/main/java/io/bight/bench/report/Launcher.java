// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.Sink;
import io.bight.bench.sink.SinkOptions;
import io.bight.bench.work.Figures;
import io.bight.bench.work.Subject;
import io.bight.bench.work.WorkName;
import io.bight.bench.work.WorkOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Starts the sink and the clients, each in a process and, where that is possible, on a core. */
final class Launcher {
  private static final String CLIENT_CORE = "0";
  private static final String SINK_CORE = "1";
  private static final long LONGEST_SECONDS_BESIDE_MEASURING = 180;

  /** In which the kernel counts a process's children's CPU. */
  private static final long TICK_MILLIS = 10;

  private final List<String> jvmOptions;
  private final boolean pins;
  private final @Nullable Path libmosquitto;

  Launcher(List<String> jvmOptions, @Nullable Path libmosquitto) {
    this.jvmOptions = jvmOptions;
    this.libmosquitto = libmosquitto;
    this.pins =
        Runtime.getRuntime().availableProcessors() > 1
            && !Machine.output("taskset", "-c", CLIENT_CORE + "," + SINK_CORE, "true")
                .equals("unknown");
  }

  boolean canPin() {
    return pins;
  }

  /** A sink in a process of its own; it ends with its standard input, so with us at the latest. */
  record RunningSink(Process process, int port, int controlPort) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      try {
        if (!process.waitFor(5, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  RunningSink startSink(SinkOptions options, boolean pinned) throws IOException {
    List<String> command = command(pinned, SINK_CORE);
    command.addAll(java(List.of("-Xmx1g", "-XX:+UseSerialGC"), Sink.class.getName()));
    command.add("echo=" + options.echo());
    command.add("greet=" + options.greet());
    command.add("payload=" + options.payloadBytes());
    command.add("window=" + options.window());
    if (options.keyStore() != null) {
      command.add("keyStore=" + options.keyStore());
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    String line = output.readLine();
    if (line == null) {
      throw new IOException("The sink has ended at once.");
    }
    int blank = line.indexOf(' ');
    return new RunningSink(
        process,
        Integer.parseInt(line.substring(0, blank)),
        Integer.parseInt(line.substring(blank + 1)));
  }

  /** Runs one client through one work; an IOException has what it wrote when it failed. */
  Figures run(WorkName work, PeerName peer, WorkOptions options)
      throws IOException, InterruptedException {
    List<String> command = command(work.isPinned(), CLIENT_CORE);
    if (peer == PeerName.LIBMOSQUITTO && libmosquitto != null) {
      command.add(libmosquitto.toString());
    } else {
      command.addAll(java(jvmOptions, Subject.class.getName()));
    }
    command.add("work=" + work.text());
    command.add("peer=" + peer.text());
    options.arguments().forEach((name, value) -> command.add(name + "=" + value));

    long childrenCpuMillis = childrenCpuMillis();
    long startNanos = System.nanoTime();
    Process process = new ProcessBuilder(command).start();
    process.getOutputStream().close();
    CompletableFuture<String> output = read(process.inputReader(StandardCharsets.UTF_8));
    CompletableFuture<String> errors = read(process.errorReader(StandardCharsets.UTF_8));
    long longest =
        options.warmUp().plus(options.measured()).toSeconds() + LONGEST_SECONDS_BESIDE_MEASURING;
    if (!process.waitFor(longest, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("not done after " + longest + " s\n" + errors.join());
    }
    double wallMillis = (System.nanoTime() - startNanos) / 1e6;
    String result =
        output.join().lines().filter(line -> line.startsWith("{")).findFirst().orElse("");
    if (process.exitValue() != 0 || result.isEmpty()) {
      throw new IOException("exit code " + process.exitValue() + "\n" + errors.join());
    }
    Figures figures = Figures.parse(result);
    if (work == WorkName.START) {
      figures.put("wall_millis", wallMillis);
      if (Machine.isLinux()) {
        figures.put("cpu_millis", (double) (childrenCpuMillis() - childrenCpuMillis));
      }
    }
    return figures;
  }

  private static CompletableFuture<String> read(BufferedReader reader) {
    return CompletableFuture.supplyAsync(
        () -> {
          StringBuilder text = new StringBuilder();
          reader.lines().forEach(line -> text.append(line).append('\n'));
          return text.toString();
        });
  }

  private List<String> command(boolean pinned, String core) {
    return new ArrayList<>(pinned && pins ? List.of("taskset", "-c", core) : List.of());
  }

  private static List<String> java(List<String> options, String main) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 24) {
      // Netty and AWS CRT load native code and use Unsafe: newer JDKs want to hear that it is
      // meant.
      command.add("--sun-misc-unsafe-memory-access=allow");
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
    return command;
  }

  /** User and system CPU of the processes that we have started and that have ended. */
  private static long childrenCpuMillis() throws IOException {
    Path stat = Path.of("/proc/self/stat");
    if (!Files.isReadable(stat)) {
      return 0;
    }
    String text = Files.readString(stat);
    // After the name in brackets; the sixteenth and seventeenth of all fields.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * TICK_MILLIS;
  }

  /** Compiles the program for libmosquitto; null where there is no compiler or no library. */
  static @Nullable Path compileLibmosquitto(Path source, Path target) throws IOException {
    if (!Files.isReadable(source)) {
      return null;
    }
    Files.createDirectories(target.getParent());
    Files.deleteIfExists(target);
    Machine.output(
        "cc", "-O2", "-o", target.toString(), source.toString(), "-lmosquitto", "-lpthread");
    return Files.isExecutable(target) ? target : null;
  }
}
