// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** One life of a program: a process that can be killed at any moment. For one thread. */
final class Child implements AutoCloseable {
  private final Process process;
  private final Path ledger;
  private final Path log;

  private Child(Process process, Path ledger, Path log) {
    this.process = process;
    this.ledger = ledger;
    this.log = log;
  }

  static Child start(Class<?> program, ChildSettings settings) {
    Path log = settings.folder().resolve(settings.name() + ".log");
    List<String> command = new ArrayList<>(ChildClassPath.command(program));
    command.addAll(settings.arguments());
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      return new Child(process, settings.ledger(), log);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot start " + command, e);
    }
  }

  /** How many bytes the ledger has now, from all lives. */
  long ledgerBytes() {
    try {
      return Files.exists(ledger) ? Files.size(ledger) : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Waits until something has come true, the process has ended, or the time is over.
   *
   * @return whether it has come true
   */
  boolean await(BooleanSupplier condition, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (process.waitFor(1, TimeUnit.MILLISECONDS) || System.nanoTime() - deadline > 0) {
        return condition.getAsBoolean();
      }
    }
    return true;
  }

  /** Lets it live for some time. */
  void live(Duration time) throws InterruptedException {
    process.waitFor(time.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Kills it at once (SIGKILL).
   *
   * @throws AssertionError if it has ended by itself before
   */
  void kill() throws InterruptedException {
    if (!process.isAlive()) {
      throw new AssertionError(
          "the program ended with status "
              + process.exitValue()
              + " before it was killed\n"
              + log());
    }
    process.destroyForcibly().waitFor();
  }

  /** Waits for its end. */
  void awaitEnd(Duration limit) throws InterruptedException {
    if (!process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new AssertionError("the program did not end within " + limit + "\n" + log());
    }
    if (process.exitValue() != 0) {
      throw new AssertionError(
          "the program ended with status " + process.exitValue() + "\n" + log());
    }
  }

  /** What it and its earlier lives have printed; the end of it. */
  String log() {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    } catch (IOException e) {
      return "(" + log + ": " + e + ")";
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
