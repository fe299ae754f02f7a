// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Ctrl-C and SIGTERM, seen as a wish to end in order: the command is told to stop, finishes, and
 * its result becomes the exit status. Lives from its construction to {@link #close()}.
 */
final class Interruption implements AutoCloseable {
  private static final long LONGEST_SECONDS = 10;
  private static final CompletableFuture<Integer> RESULT = new CompletableFuture<>();

  private final Thread hook;

  /**
   * Has something called when the process is told to end.
   *
   * @param stop makes the command return soon; runs on a thread of the JVM's
   */
  Interruption(Runnable stop) {
    hook = new Thread(() -> end(stop), "bight-interruption");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** The command has returned with a status. */
  static void onResult(int status) {
    RESULT.complete(status);
  }

  private static void end(Runnable stop) {
    if (RESULT.isDone()) {
      return; // the command had ended by itself
    }
    stop.run();
    try {
      // Without halt the status would be that of the signal.
      Runtime.getRuntime().halt(RESULT.get(LONGEST_SECONDS, TimeUnit.SECONDS));
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      Runtime.getRuntime().halt(Bight.FAILED);
    }
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is ending: the hook is running and waits for the result.
    }
  }
}
