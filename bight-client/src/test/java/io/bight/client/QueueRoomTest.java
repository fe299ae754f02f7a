// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.engine.SessionStore;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class QueueRoomTest {
  private static Session emptySession() {
    return new MqttEngine(
            () -> "client 'a'",
            EngineOptions.DEFAULT,
            SessionStore.IN_MEMORY,
            UnpooledByteBufAllocator.DEFAULT,
            new SilentListener())
        .session();
  }

  private final Session session = emptySession();

  @Test
  void messagesAndBytesAreBoundedEachByItself() {
    QueueRoom room = new QueueRoom(2, 1_000, session);
    assertThat(room.tryTake(600)).isTrue();
    assertThat(room.tryTake(401)).isFalse();
    assertThat(room.tryTake(400)).isTrue();
    assertThat(room.isFree()).isFalse();
    assertThat(room.describe()).contains("2 messages wait").contains("take 1000 B");
    room.giveBack(600);
    assertThat(room.tryTakeBytes(601)).isFalse();
    assertThat(room.tryTakeBytes(600)).isTrue();
    room.giveBackBytes(600);
    assertThat(room.tryTake(1)).isTrue();
    assertThat(room.tryTake(1)).isFalse();
    assertThat(room.describe()).contains("2 messages wait").contains("take 401 B");
  }

  @Test
  void manyForWhichThereIsNoRoomTakeNoneFromOthers() throws InterruptedException {
    QueueRoom room = new QueueRoom(1_000, 1_000_000, session);
    assertThat(room.tryTake(200, 200)).isTrue();
    AtomicBoolean ended = new AtomicBoolean();
    AtomicInteger tooMany = new AtomicInteger();
    Thread many =
        new Thread(
            () -> {
              while (!ended.get()) {
                tooMany.addAndGet(room.tryTake(900, 900) ? 1 : 0);
              }
            });
    many.start();
    int refused = 0;
    for (int i = 0; i < 1_000_000; i++) {
      if (room.tryTake(1)) {
        room.giveBack(1);
      } else {
        refused++;
      }
    }
    ended.set(true);
    many.join();
    assertThat(refused).isZero();
    assertThat(tooMany).hasValue(0);
    assertThat(room.tryTake(800, 800)).isTrue();
    assertThat(room.tryTake(1, 1)).isFalse();
  }

  @Test
  void countsThatWrapRoundStayExact() {
    QueueRoom room = new QueueRoom(10, 1L << 36, session);
    long large = 1L << 35;
    assertThat(room.tryTake(large)).isTrue();
    for (int i = 0; i < 1_000; i++) { // far beyond what the bytes' part of the number can hold
      assertThat(room.tryTake(large)).isTrue();
      assertThat(room.tryTake(1)).isFalse();
      room.giveBack(large);
    }
    assertThat(room.describe()).contains("1 message waits").contains("take " + large + " B");
  }

  @Test
  void boundsBeyondWhatCanBeCountedAreTheLargestThatCan() {
    QueueRoom room = new QueueRoom(Integer.MAX_VALUE, Long.MAX_VALUE, session);
    assertThat(room.canEverTake(Long.MAX_VALUE)).isFalse();
    assertThat(room.tryTake(1L << 36)).isTrue();
    assertThat(room.describe()).contains("room for 33554431 messages and 137438953471 B");
  }

  @Test
  void severalThreadsNeverTakeMoreThanThereIs() throws InterruptedException {
    int most = 8;
    QueueRoom room = new QueueRoom(most, 1_000_000, session);
    AtomicInteger inUse = new AtomicInteger();
    AtomicInteger worst = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          new Thread(
              () -> {
                for (int n = 0; n < 100_000; n++) {
                  if (room.tryTake(100)) {
                    worst.accumulateAndGet(inUse.incrementAndGet(), Math::max);
                    inUse.decrementAndGet();
                    room.giveBack(100);
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(worst.get()).isBetween(1, most);
    assertThat(room.describe()).contains("0 messages wait").contains("take 0 B");
  }
}
