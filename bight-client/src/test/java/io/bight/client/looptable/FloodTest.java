// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows M4 and R5 of docs/loop-table.md: more than the loop, the socket or a handler takes. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class FloodTest {
  private static final Duration LIMIT = Await.LIMIT;

  /** In how many turns of the loop a client that has something to do gets to do it. */
  private static final int FEW_TURNS = 3;

  private static final int FLOOD = 100_000;

  // ---- one client's flood and the others: counted in turns, so that no machine is too slow

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void m4PublishesOfOneClientLeaveEachTurnToTheOthers(boolean nio) throws Exception {
    try (PlainServer server = new PlainServer();
        MqttLoop loop = loop(nio)) {
      MqttClient flooding = connected(server, loop, new AtomicInteger());
      MqttClient other = connected(server, loop, new AtomicInteger());
      List<MqttFuture<?>> flood = new ArrayList<>();
      for (int i = 0; i < FLOOD; i++) {
        flood.add(flooding.publish("flood", "x", Qos.AT_MOST_ONCE));
      }
      MqttFuture<?> publish = other.publish("other", "x", Qos.AT_MOST_ONCE);
      assertThat(turnsUntil(loop, publish)).isLessThanOrEqualTo(FEW_TURNS);
      assertThat(flood.stream().filter(MqttFuture::isDone).count())
          .as("what the flood has got done meanwhile")
          .isBetween(1L, FLOOD / 2L);
      flood.get(FLOOD - 1).await(LIMIT);
      Await.until("all have arrived", () -> server.published() == FLOOD + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void m4PublishesInCallbacksOfOneClientLeaveEachTurnToTheOthers(boolean nio) throws Exception {
    try (PlainServer server = new PlainServer();
        MqttLoop loop = loop(nio)) {
      MqttClient flooding = connected(server, loop, new AtomicInteger());
      MqttClient other = connected(server, loop, new AtomicInteger());
      AtomicInteger left = new AtomicInteger(FLOOD);
      publishNext(flooding, left);
      MqttFuture<?> publish = other.publish("other", "x", Qos.AT_MOST_ONCE);
      assertThat(turnsUntil(loop, publish)).isLessThanOrEqualTo(FEW_TURNS);
      assertThat(left).as("what is left of the flood").hasValueGreaterThan(FLOOD / 2);
      left.set(0);
    }
  }

  /** Each publish has the next one published when it is done. */
  private static void publishNext(MqttClient client, AtomicInteger left) {
    client
        .publish("flood", "x", Qos.AT_MOST_ONCE)
        .thenRun(
            () -> {
              if (left.decrementAndGet() > 0) {
                publishNext(client, left);
              }
            });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void m4MessagesForOneClientLeaveEachTurnToTheOthers(boolean nio) throws Exception {
    AtomicInteger flooded = new AtomicInteger();
    AtomicInteger arrived = new AtomicInteger();
    try (PlainServer server = new PlainServer();
        MqttLoop loop = loop(nio)) {
      connected(server, loop, flooded);
      connected(server, loop, arrived);
      CompletableFuture<Void> flood = flood(server.toClient(0));
      Await.until(
          "the flood has begun",
          () -> {
            loop.loop(Duration.ZERO);
            return flooded.get() > 500;
          });
      for (int i = 1; i <= 5; i++) {
        // What is written to a socket of this machine is in the other one's buffer.
        server.toClient(1).write(PlainServer.publish("other", 64));
        int before = flooded.get();
        int turns = 0;
        while (arrived.get() < i && turns <= FEW_TURNS) {
          loop.loop(Duration.ZERO);
          turns++;
        }
        assertThat(turns).isLessThanOrEqualTo(FEW_TURNS);
        assertThat(flooded.get() - before).as("messages in a few turns").isLessThan(10_000);
      }
      assertThat(flood).as("the flood").isNotDone();
      server.close();
      Await.passively(flood);
    }
  }

  /** Floods a client until its connection ends. */
  private static CompletableFuture<Void> flood(OutputStream client) {
    byte[] one = PlainServer.publish("flood", 4_000);
    byte[] many = new byte[100 * one.length];
    for (int i = 0; i < many.length; i += one.length) {
      System.arraycopy(one, 0, many, i, one.length);
    }
    return DrivingTest.inThread(
        () -> {
          try {
            while (true) {
              client.write(many);
            }
          } catch (IOException e) {
            // its end
          }
        });
  }

  private static MqttLoop loop(boolean nio) {
    return nio ? MqttLoop.builder().nio().build() : MqttLoop.create();
  }

  private static MqttClient connected(PlainServer server, MqttLoop loop, AtomicInteger messages) {
    MqttClient client =
        MqttClient.builder(server.uri())
            .loop(loop)
            .onMessage(message -> messages.incrementAndGet())
            .build();
    client.connect(LIMIT);
    return client;
  }

  private static int turnsUntil(MqttLoop loop, MqttFuture<?> future) {
    int turns = 0;
    while (!future.isDone() && turns <= FEW_TURNS) {
      loop.loop(Duration.ZERO);
      turns++;
    }
    return turns;
  }

  // ---- more than memory: a program in a small heap

  @ParameterizedTest
  @CsvSource({
    "REJECT, 0, 64, 400000",
    "REJECT, 1, 100000, 2000",
    "DROP_OLDEST, 0, 100000, 2000",
    "DROP_OLDEST, 1, 64, 400000",
    "BLOCK, 1, 64, 100000",
  })
  void r5PublishingFasterThanTheSocketTakesMeetsTheBound(
      String policy, int qos, int payloadBytes, int calls) throws Exception {
    try (PlainServer server = new PlainServer()) {
      server.hold();
      Child child =
          new Child("publish", server.uri(), policy, qos + "", payloadBytes + "", calls + "");
      if (!policy.equals("BLOCK")) {
        assertThat(child.line()).isEqualTo("published");
      }
      server.goOn();
      if (policy.equals("BLOCK")) {
        assertThat(child.line()).isEqualTo("published");
      }
      String[] told = child.end().split(" ");
      int sent = Integer.parseInt(told[0]);
      int refused = Integer.parseInt(told[1]);
      assertThat(sent + refused).as("told").isEqualTo(calls);
      if (policy.equals("BLOCK")) {
        assertThat(refused).isZero();
      } else {
        assertThat(refused).as("refused or dropped").isPositive();
      }
      assertThat(told[2]).as("connections lost").isEqualTo("0");
      Await.until("what was sent has arrived", () -> server.published() == sent);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 100000, 200", "1, 64, 60000"})
  void aFullQueueGoesOutBeforeDisconnectInLittleMemory(int qos, int payloadBytes, int calls)
      throws Exception {
    try (PlainServer server = new PlainServer()) {
      server.hold();
      Child child = new Child("leave", server.uri(), qos + "", payloadBytes + "", calls + "");
      assertThat(child.line()).isEqualTo("leaving");
      server.goOn();
      assertThat(child.end()).isEqualTo(calls + " DISCONNECTED");
      Await.until("all has arrived", () -> server.published() == calls);
    }
  }

  @Test
  void aHandlerThatIsSlowerThanTheServerHasTheServerWait() throws Exception {
    int messages = 100_000;
    byte[] message = PlainServer.publish("flood", 1_024);
    try (PlainServer server = new PlainServer()) {
      Child child = new Child("receive", server.uri(), messages + "");
      assertThat(child.line()).isEqualTo("connected");
      for (int i = 0; i < messages; i++) {
        server.toClient(0).write(message);
      }
      assertThat(child.end()).isEqualTo(messages + " 0");
    }
  }

  /**
   * A {@link FloodProgram} with much less memory than what flows through it, and less for the
   * transport than what its queue may hold.
   */
  private static final class Child {
    private final Process process;
    private final BufferedReader output;

    Child(String... arguments) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(
          System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
      command.addAll(
          List.of(
              "-Xmx48m",
              "-XX:MaxDirectMemorySize=10m",
              "-XX:+UseSerialGC",
              "-cp",
              System.getProperty("java.class.path"),
              FloodProgram.class.getName()));
      command.addAll(Arrays.asList(arguments));
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      output = process.inputReader(StandardCharsets.UTF_8);
      // Reading from it cannot be interrupted.
      CompletableFuture.delayedExecutor(40, TimeUnit.SECONDS).execute(process::destroyForcibly);
    }

    /** Returns the next line, or null if the program has ended. */
    String line() throws IOException {
      return output.readLine();
    }

    /** Returns the last line, once the program has ended as it should. */
    String end() throws Exception {
      String last = line();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      return last;
    }
  }
}
