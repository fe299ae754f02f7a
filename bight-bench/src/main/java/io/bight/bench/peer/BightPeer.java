// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.client.TlsOptions;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.store.DiskSessionStore;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

/** Bight: its public API, and the defaults. All connections on one loop. */
final class BightPeer implements Peer {
  private static final Qos[] QOS = {Qos.AT_MOST_ONCE, Qos.AT_LEAST_ONCE, Qos.EXACTLY_ONCE};
  private static final int MESSAGES_IN_A_BATCH = 100;
  private static final Duration TURN = Duration.ofMillis(100);

  private final boolean ownLoop;
  private final boolean openSsl;
  private final boolean batches;
  private final MqttLoop loop = MqttLoop.create("bench");

  BightPeer(PeerName variant) {
    this.ownLoop = variant == PeerName.BIGHT_OWN_LOOP;
    this.openSsl = variant == PeerName.BIGHT_OPENSSL;
    this.batches = variant == PeerName.BIGHT_BATCH;
    if (!ownLoop) {
      loop.loopStart();
    }
  }

  @Override
  public CompletionStage<Connection> open(ConnectionOptions options) throws IOException {
    MqttClientBuilder builder =
        MqttClient.builder(options.uri("mqtt", "mqtts"))
            .clientId(options.clientId())
            .keepAlive(Duration.ofSeconds(ConnectionOptions.KEEP_ALIVE_SECONDS))
            .loop(loop);
    if (!options.reconnects()) {
      builder.reconnect(ReconnectPolicy.never());
    }
    if (options.trustStore() != null && openSsl) {
      builder.tls(
          TlsOptions.builder()
              .trust(ConnectionOptions.pem(options.trustStore()))
              .engine(TlsOptions.Engine.OPENSSL)
              .build());
    } else if (options.trustStore() != null) {
      builder.sslContext(ConnectionOptions.sslContext(options.trustStore()));
    }
    if (options.directory() != null) {
      builder.sessionStore(DiskSessionStore.in(options.directory()));
    }
    MqttClient client = builder.build();
    CompletionStage<Connection> open =
        client
            .connectAsync()
            .thenApply(
                connected -> batches ? new BatchConnection(client) : new BightConnection(client));
    if (ownLoop) {
      drive(() -> open.toCompletableFuture().isDone());
    }
    return open;
  }

  private void drive(BooleanSupplier until) {
    while (!until.getAsBoolean()) {
      loop.loop(TURN);
    }
  }

  @Override
  public void close() {
    loop.close();
  }

  private class BightConnection implements Connection {
    final MqttClient client;

    BightConnection(MqttClient client) {
      this.client = client;
    }

    @Override
    public void publish(String topic, byte[] payload, int qos, Completion completion) {
      client.publish(topic, payload, QOS[qos]).whenComplete(completion);
    }

    @Override
    public CompletionStage<?> subscribe(String topicFilter, int qos, Arrival arrival) {
      CompletionStage<?> subscribed =
          client.subscribe(
              topicFilter, QOS[qos], message -> arrival.onMessage(message.payload().remaining()));
      if (ownLoop && loop.driver().isEmpty()) {
        drive(() -> subscribed.toCompletableFuture().isDone());
      }
      return subscribed;
    }

    @Override
    public boolean executeInLoop(Runnable task) {
      if (ownLoop) {
        loop.execute(task);
      }
      return ownLoop;
    }

    @Override
    public boolean isDriven() {
      return ownLoop;
    }

    @Override
    public void drive(BooleanSupplier until) {
      BightPeer.this.drive(until);
    }

    @Override
    public void close() {
      client.close();
    }
  }

  /** Collects messages and publishes many together. */
  private final class BatchConnection extends BightConnection {
    private final List<Publish> collected = new ArrayList<>();
    private List<Completion> completions = new ArrayList<>();

    BatchConnection(MqttClient client) {
      super(client);
    }

    @Override
    public void publish(String topic, byte[] payload, int qos, Completion completion) {
      collected.add(Publish.builder(topic).payload(payload).qos(QOS[qos]).build());
      completions.add(completion);
      if (collected.size() == MESSAGES_IN_A_BATCH) {
        flush();
      }
    }

    @Override
    public void flush() {
      if (!collected.isEmpty()) {
        List<Completion> done = completions;
        client
            .publishAll(collected)
            .whenComplete((nothing, failure) -> done.forEach(each -> each.accept(null, failure)));
        collected.clear();
        completions = new ArrayList<>(MESSAGES_IN_A_BATCH);
      }
    }
  }
}
