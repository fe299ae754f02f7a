// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.Qos;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row M4 of docs/loop-table.md: a stuck or failing client does not stall the others. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class IsolationTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int HEALTHY = 10;
  private static final int ROUNDS = 50;

  private final AtomicInteger healthyDisconnects = new AtomicInteger();
  private final Semaphore arrivals = new Semaphore(0);

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void m4StuckAndFailingClientsDoNotStallTheOthersOnTheirLoop(boolean nio) throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (MqttLoop loop = nio ? MqttLoop.builder().nio().build() : MqttLoop.create();
        ScriptedServer behindTheHole = ScriptedServer.behavingBroker();
        FaultLink hole = FaultLink.to(behindTheHole.uri());
        ServerSocket neverSpeaksTls = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        FullBacklog neverAccepts = new FullBacklog()) {
      loop.loopStart();
      List<MqttClient> healthy = new ArrayList<>();
      for (int i = 0; i < HEALTHY; i++) {
        healthy.add(healthy(loop));
      }
      roundTrips(healthy); // warm
      long[] alone = roundTrips(healthy);

      MqttClient blackholed = MqttClient.builder(hole.uri()).loop(loop).build();
      blackholed.connect(LIMIT);
      hole.pause();
      MqttFuture<?> blocked = null;
      for (int i = 0; i < 100; i++) {
        blocked = blackholed.publish("m4/hole", new byte[256 * 1024], Qos.AT_LEAST_ONCE);
      }
      MqttFuture<?> handshake =
          stuck(loop, "mqtts://localhost:" + neverSpeaksTls.getLocalPort()).connectAsync();
      MqttFuture<?> connecting = stuck(loop, neverAccepts.uri()).connectAsync();
      stuck(loop, "mqtt://no-such-host.invalid").connectAsync();
      stuck(loop, "mqtt://127.0.0.1:1").connectAsync();
      CountDownLatch asleep = new CountDownLatch(1);
      MqttClient sleeper =
          MqttClient.builder(SERVER.uri())
              .loop(loop)
              .onMessage(message -> executor.execute(() -> sleepUntil(over, asleep)))
              .build();
      sleeper.connect(LIMIT);
      sleeper.subscribe("m4/sleep", Qos.AT_LEAST_ONCE).await(LIMIT);
      sleeper.publish("m4/sleep", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(asleep.await(10, TimeUnit.SECONDS)).isTrue();

      long[] among = roundTrips(healthy);
      assertThat(blocked).as("the hole takes nothing").isNotDone();
      assertThat(handshake).as("the handshake goes on").isNotDone();
      assertThat(connecting).as("the connect goes on").isNotDone();
      assertThat(healthyDisconnects).hasValue(0);
      // A stall of the loop would be as long as the time limits, seconds; a busy machine is not.
      for (double share : new double[] {0.5, 0.9}) {
        assertThat(percentile(among, share))
            .isLessThan(5 * percentile(alone, share) + TimeUnit.MILLISECONDS.toNanos(20));
      }
      blackholed.close(Duration.ofMillis(100));
    } finally {
      over.countDown();
      executor.shutdown();
    }
  }

  private static void sleepUntil(CountDownLatch over, CountDownLatch asleep) {
    asleep.countDown();
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private MqttClient healthy(MqttLoop loop) {
    MqttClient client =
        MqttClient.builder(SERVER.uri())
            .loop(loop)
            .onMessage(message -> arrivals.release())
            .onDisconnect(event -> healthyDisconnects.incrementAndGet())
            .build();
    client.connect(LIMIT);
    client.subscribe("m4/" + client.clientId(), Qos.AT_MOST_ONCE).await(LIMIT);
    return client;
  }

  private static MqttClient stuck(MqttLoop loop, String uri) {
    ReconnectPolicy eager =
        ReconnectPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(5)).alsoFirstConnect();
    return MqttClient.builder(uri).loop(loop).reconnect(eager).build();
  }

  private long[] roundTrips(List<MqttClient> clients) throws InterruptedException {
    long[] nanos = new long[ROUNDS * clients.size()];
    for (int i = 0; i < nanos.length; i++) {
      MqttClient client = clients.get(i % clients.size());
      long start = System.nanoTime();
      client.publish("m4/" + client.clientId(), "x", Qos.AT_MOST_ONCE);
      assertThat(arrivals.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
      nanos[i] = System.nanoTime() - start;
    }
    Arrays.sort(nanos);
    return nanos;
  }

  private static long percentile(long[] sorted, double share) {
    return sorted[(int) (sorted.length * share)];
  }

  /** A port whose queue of connections is full, so that a connect hangs. */
  private static final class FullBacklog implements AutoCloseable {
    private final ServerSocket listener;
    private final List<Socket> queued = new ArrayList<>();

    FullBacklog() throws IOException {
      listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      for (int i = 0; i < 2; i++) { // one more than the backlog says
        queued.add(new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort()));
      }
    }

    String uri() {
      return "mqtt://127.0.0.1:" + listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      for (Socket socket : queued) {
        socket.close();
      }
      listener.close();
    }
  }
}
