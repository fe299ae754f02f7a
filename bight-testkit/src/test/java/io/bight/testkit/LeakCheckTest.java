// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class LeakCheckTest {
  @Test
  void findsABufferThatWasNotReleasedAndSaysWhere() {
    leak();

    assertThatThrownBy(LeakCheck::assertNoLeaks)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Not released: 1 buffers")
        .hasMessageContaining("LeakCheckTest.leak");
  }

  @Test
  void failsTheClassForALeakInItsLastTest() {
    LeakCheck ofSomeClass = new LeakCheck();
    ofSomeClass.beforeAll(null);
    leak();

    assertThatThrownBy(() -> ofSomeClass.afterAll(null)).hasMessageContaining("Not released: 1");
  }

  @Test
  void findsNothingWhereEverythingWasReleased() {
    PooledByteBufAllocator.DEFAULT.directBuffer(10).release();
    ByteBuf kept = UnpooledByteBufAllocator.DEFAULT.directBuffer(10);

    LeakCheck.assertNoLeaks();

    kept.release();
  }

  @Test
  void findsAThreadThatStaysAndSaysWhatItDoes() throws InterruptedException {
    CountDownLatch over = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try {
                over.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "left-behind-1");
    thread.start();

    assertThatThrownBy(() -> LeakCheck.assertNoThreads(Duration.ofMillis(20), "left-behind"))
        .hasMessageContaining("left-behind-1")
        .hasMessageContaining("CountDownLatch.await");

    over.countDown();
    LeakCheck.assertNoThreads(Duration.ofSeconds(10), "left-behind");
    thread.join();
  }

  @Test
  void countsThreadsAndDescriptors() throws IOException, InterruptedException {
    new ServerSocket(0).close();
    ResourceCounts before = ResourceCounts.snapshot();
    CountDownLatch over = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try {
                over.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "counted-12");
    thread.start();
    ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.directBuffer(1 << 20);
    try (ServerSocket socket = new ServerSocket(0)) {
      assertThat(socket.isBound()).isTrue();
      ResourceCounts during = ResourceCounts.snapshot();
      assertThat(during.threadCount("counted")).isEqualTo(1);
      assertThat(during.threadCount()).isGreaterThan(0);
      assertThat(during.growthSince(before))
          .contains("1 more threads 'counted'")
          .anyMatch(line -> line.endsWith("more open descriptors"))
          .contains((1 << 20) + " more bytes held by Netty");
    } finally {
      buffer.release();
      over.countDown();
      thread.join();
    }
    assertThat(ResourceCounts.snapshot().threadCount("counted")).isZero();
  }

  private static void leak() {
    UnpooledByteBufAllocator.DEFAULT.directBuffer(10).writeByte(1);
  }
}
