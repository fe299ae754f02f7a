// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A JUnit 5 extension that fails a test class when Netty finds that a buffer was not released, and,
 * where {@link Threads} names some, when threads are left behind.
 *
 * <pre>{@code
 * @ExtendWith(LeakCheck.class)
 * @LeakCheck.Threads("bight-")
 * class ReconnectTest { ... }
 * }</pre>
 *
 * <p>From the first test of the class to its last every buffer is tracked (level {@code PARANOID}).
 * A leak that is found while a test runs fails that test, though an earlier one may have caused it;
 * after the last test the collector runs and finds the rest. Netty reports each origin of a leak
 * once per process. With classes that run in parallel the wrong one may be blamed. It takes the
 * process's only leak listener of {@link ByteBufUtil#setLeakListener}.
 */
public final class LeakCheck implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** Written by whatever thread Netty finds a leak on, emptied by the test's. */
  private static final Queue<String> LEAKS = new ConcurrentLinkedQueue<>();

  private ResourceLeakDetector.Level levelBefore = ResourceLeakDetector.getLevel();

  /** Made by JUnit. */
  public LeakCheck() {}

  /**
   * Says that after each test no thread may be alive whose name begins so. Threads on their way out
   * are given five seconds.
   */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.TYPE)
  @Inherited
  public @interface Threads {
    /**
     * The beginnings of names.
     *
     * @return one or more
     */
    String[] value();
  }

  /**
   * Runs the collector and fails if Netty finds a buffer that was not released, in whatever code of
   * the process. Tracking must be on: within a class that has this extension, or by {@code
   * -Dio.netty.leakDetection.level=paranoid}.
   *
   * @throws AssertionError with the places where the buffers were touched
   */
  public static void assertNoLeaks() {
    ByteBufUtil.setLeakListener(LeakCheck::onLeak);
    // References are enqueued by another thread in no certain order. When the second of two has
    // come, all that the first collection found are there.
    collect();
    collect();
    // Netty looks into its queue whenever it tracks another buffer.
    UnpooledByteBufAllocator.DEFAULT.directBuffer(1).release();
    assertNoneReported();
  }

  /**
   * Waits until no thread is alive whose name begins in one of some ways.
   *
   * @param patience how long
   * @param prefixes the beginnings
   * @throws AssertionError naming the threads that are still alive, with what they are doing
   */
  public static void assertNoThreads(Duration patience, String... prefixes) {
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread == Thread.currentThread() || !startsWithOne(thread.getName(), prefixes)) {
        continue;
      }
      long millis = Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000);
      try {
        thread.join(millis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("Interrupted while waiting for " + thread, e);
      }
      if (thread.isAlive()) {
        StringBuilder message = new StringBuilder("Left behind: " + thread);
        for (StackTraceElement frame : thread.getStackTrace()) {
          message.append("\n    at ").append(frame);
        }
        throw new AssertionError(message.toString());
      }
    }
  }

  /** Tracks every buffer from here on. */
  @Override
  public void beforeAll(ExtensionContext context) {
    levelBefore = ResourceLeakDetector.getLevel();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    ByteBufUtil.setLeakListener(LeakCheck::onLeak);
  }

  /** Fails the test if a leak has been found so far, or a thread is left. */
  @Override
  public void afterEach(ExtensionContext context) {
    assertNoneReported();
    Threads threads = context.getRequiredTestClass().getAnnotation(Threads.class);
    if (threads != null) {
      assertNoThreads(PATIENCE, threads.value());
    }
  }

  /** Looks for the rest of the leaks and fails the class if there are any. */
  @Override
  public void afterAll(ExtensionContext context) {
    try {
      assertNoLeaks();
    } finally {
      ResourceLeakDetector.setLevel(levelBefore);
    }
  }

  private static void onLeak(String resourceType, String records) {
    LEAKS.add(resourceType + records);
  }

  private static void assertNoneReported() {
    List<String> found = new ArrayList<>();
    for (String leak = LEAKS.poll(); leak != null; leak = LEAKS.poll()) {
      found.add(leak);
    }
    if (!found.isEmpty()) {
      throw new AssertionError(
          "Not released: " + found.size() + " buffers\n" + String.join("\n", found));
    }
  }

  private static void collect() {
    ReferenceQueue<Object> queue = new ReferenceQueue<>();
    PhantomReference<Object> canary = new PhantomReference<>(new Object(), queue);
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    try {
      do {
        System.gc();
        if (queue.remove(100) != null) {
          return;
        }
      } while (System.nanoTime() - deadlineNanos < 0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted while waiting for the collector", e);
    } finally {
      Reference.reachabilityFence(canary);
    }
    throw new AssertionError("The collector does not run (-XX:+DisableExplicitGC?)");
  }

  private static boolean startsWithOne(String name, String... prefixes) {
    for (String prefix : prefixes) {
      if (name.startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }
}
