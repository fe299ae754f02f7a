// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.client.ConnectAttempt;
import io.bight.client.ConnectEvent;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.PublishEvent;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.simulation.Requests.Request;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * The program that uses a whole client by its public API: connects, disconnects and closes at any
 * moment, inside callbacks too; publishes, subscribes and handles messages.
 */
final class ClientProgram {
  private static final Qos[] QOS = Qos.values();

  private final ClientSimulation world;
  private final Scenario scenario;
  private final ClientScenario clientScenario;
  private final Ledger ledger;
  private final Requests requests = new Requests();

  // As long as a process
  private SimulatedProcess process;
  private int openRequests;
  private final Map<OutMessage, MqttFuture<PublishResult>> publishing = new HashMap<>();
  private final Set<OutMessage> cancelled = new HashSet<>();

  ClientProgram(ClientSimulation world) {
    this.world = world;
    this.scenario = world.scenario();
    this.clientScenario = world.clientScenario();
    this.ledger = world.ledger();
  }

  private MqttClient client() {
    return process.client();
  }

  boolean isQuiet() {
    return openRequests == 0 && ledger.open().isEmpty();
  }

  String describe() {
    return "program: " + ledger.open().size() + " outcomes, " + openRequests + " answers awaited";
  }

  // ---- its process

  void onStart(SimulatedProcess begun) {
    process = begun;
    openRequests = 0;
    publishing.clear();
    cancelled.clear();
    process.begin(builder(), world.store());
    world.trace("client: begins life %d", process.life());
    for (StoredPublish stored : client().restoredPublishes()) {
      OutMessage message = ledger.out(world.store().numberAt(stored.position()));
      if (!String.valueOf(message.tag).equals(stored.tag())) {
        throw new Violation(message + " has come back with the tag " + stored.tag());
      }
      ledger.onRestored(
          message, stored.packetIdentifier(), stored.state() == StoredPublish.State.PUBLISHED);
    }
    for (OutMessage died : ledger.takeDied()) {
      if (died.qos > 0 || world.oneIn(2)) {
        publish(died.topic, died.qos, died.policy);
      }
    }
    for (Request last : requests.unsettled(world.store())) {
      request(last.subscribes, last.topic, last.qos);
    }
    if (world.oneIn(2)) {
      connect();
    }
  }

  private MqttClientBuilder builder() {
    MqttClientBuilder builder =
        MqttClient.builder("mqtt://127.0.0.1:1883")
            .version(scenario.version)
            .clientId("simulated")
            .cleanStart(scenario.cleanSession)
            .keepAlive(Duration.ofSeconds(scenario.keepAliveSeconds))
            .queueMaximum(
                scenario.engineOptions.queueMaximumMessages(),
                scenario.engineOptions.queueMaximumBytes())
            .overflowPolicy(scenario.engineOptions.overflowPolicy())
            .sessionLoss(scenario.engineOptions.sessionLoss())
            .sendMaximum(scenario.engineOptions.sendMaximum())
            .deduplicationWindow(scenario.engineOptions.deduplicationWindow())
            .connectTimeout(Duration.ofNanos(clientScenario.connectTimeoutNanos))
            .connackTimeout(Duration.ofNanos(clientScenario.connackTimeoutNanos))
            .reconnect(clientScenario.policy())
            .onConnect(event -> told(event, () -> process.rules().onConnect(event)))
            .onConnectFailure(event -> told(event, () -> process.rules().onConnectFailure(event)))
            .onDisconnect(event -> told(event, () -> process.rules().onDisconnect(event)))
            .onPublished(event -> told(() -> onPublished(event)))
            .onMessage(message -> told(() -> onMessage(message)));
    if (scenario.isVersion5()) {
      builder.sessionExpiryInterval(Duration.ofSeconds(scenario.sessionExpirySeconds));
      if (scenario.clientReceiveMaximum < 65_535) {
        builder.receiveMaximum(scenario.clientReceiveMaximum);
      }
    }
    switch (clientScenario.hook) {
      case NONE -> {}
      case DIRECT -> builder.beforeConnect(this::prepare);
      case STAGE -> builder.beforeConnectAsync(this::prepareLater);
    }
    return builder;
  }

  /** A callback: checks what it means, and at times does something. */
  private void told(Object event, Runnable check) {
    if (process.isAlive() && world.isTracing()) {
      world.trace("program: is told %s", event);
    }
    told(check);
  }

  private void told(Runnable check) {
    if (process.isAlive()) {
      world.guard(check);
      maybeAct();
    }
  }

  private void maybeAct() {
    if (world.isActive()
        && clientScenario.actsInCallbacks > 0
        && world.oneIn(clientScenario.actsInCallbacks)) {
      world.guard(this::act);
    }
  }

  // ---- the hook

  private void prepare(ConnectAttempt attempt) {
    if (process.isAlive()) {
      world.trace("program: prepares %s", attempt);
      world.guard(process.rules()::onAttempt);
      maybeAct();
      if (world.percent(clientScenario.hookFailurePercent)) {
        throw new IllegalStateException("no token");
      }
    }
  }

  private CompletionStage<?> prepareLater(ConnectAttempt attempt) {
    prepare(attempt);
    CompletableFuture<Void> stage = new CompletableFuture<>();
    if (world.oneIn(3)) {
      stage.complete(null);
    } else if (!world.percent(clientScenario.hookHangPercent)) {
      boolean fails = world.percent(clientScenario.hookFailurePercent);
      world.after(
          world.latency(),
          () -> {
            if (fails) {
              stage.completeExceptionally(new IllegalStateException("no token"));
            } else {
              stage.complete(null);
            }
          });
    }
    return stage;
  }

  // ---- what it does of itself

  void act() {
    if (process.isClosing()) {
      if (world.oneIn(4)) {
        connect(); // which a client that is closed refuses
      }
      return;
    }
    int kind = world.below(100);
    if (kind < 50) {
      publish(world.below(Topics.OUTGOING), world.below(3), randomPolicy());
    } else if (kind < 60) {
      request(
          world.below(4) != 0,
          world.oneIn(25) ? Topics.FORBIDDEN : Topics.OUTGOING + world.below(Topics.INCOMING),
          world.below(3));
    } else if (kind < 65) {
      cancel();
    } else if (kind < 78) {
      disconnect();
    } else if (scenario.durable && world.percent(clientScenario.closePercent)) {
      process.close();
    } else {
      connect();
    }
  }

  void connect() {
    world.trace("program: connects");
    boolean closing = process.isClosing();
    if (!closing) {
      process.rules().onConnectAsked();
    }
    MqttFuture<ConnectEvent> future = client().connectAsync();
    if (!closing) {
      process.rules().onConnecting(future);
    }
    future.whenComplete((event, failure) -> maybeActAlive());
  }

  private void maybeActAlive() {
    if (process.isAlive()) {
      maybeAct();
    }
  }

  void disconnect() {
    world.trace("program: disconnects");
    boolean changes = scenario.isVersion5() && scenario.sessionExpirySeconds > 0 && world.oneIn(5);
    process.rules().onDisconnectAsked();
    MqttFuture<Void> future =
        client()
            .disconnectAsync(
                changes
                    ? new Disconnect(
                        ReasonCode.SUCCESS,
                        Properties.builder()
                            .set(Property.SESSION_EXPIRY_INTERVAL, 10L * world.below(2))
                            .build())
                    : new Disconnect(ReasonCode.SUCCESS));
    process.rules().onDisconnecting(future);
    future.whenComplete((nothing, failure) -> maybeActAlive());
  }

  private OfflinePolicy randomPolicy() {
    int kind = world.below(8);
    return kind == 0
        ? OfflinePolicy.FAIL
        : kind < 3 ? OfflinePolicy.LATEST_PER_TOPIC : OfflinePolicy.QUEUE;
  }

  private void publish(int topic, int qos, OfflinePolicy policy) {
    OutMessage message = ledger.newOutgoing(topic, qos, policy, scenario.durable);
    Publish packet = message.packet(world);
    if (world.isTracing()) {
      world.trace("program: publishes %s, %s", message, policy);
    }
    MqttFuture<PublishResult> future =
        message.tag == null
            ? client().publish(packet, policy)
            : client().publish(packet, policy, message.tag);
    SimulatedProcess publisher = process;
    if (!message.ended) {
      publishing.put(message, future);
    }
    future.whenComplete(
        (result, failure) -> {
          if (publisher.isAlive()) {
            publishing.remove(message);
            world.guard(() -> onOutcome(message, future, failure));
          }
        });
  }

  private void onOutcome(OutMessage message, MqttFuture<PublishResult> future, Throwable thrown) {
    if (future.isCancelled()) {
      cancelled.add(message);
      message.mayRepeat = true; // it may have been on its way
      ledger.onEnded(message);
      return;
    }
    Throwable failure = thrown instanceof CompletionException ? thrown.getCause() : thrown;
    if (failure != null && isKept(failure)) {
      trace("is kept", message, failure);
    } else if (!message.ended) { // else onPublished has told it
      settle(message, (MqttException) failure);
    } else if (message.succeeded != (failure == null)) {
      throw new Violation("the future of " + message + " tells what onPublished does not");
    }
    maybeAct();
  }

  private void settle(OutMessage message, MqttException failure) {
    if (failure == null) {
      trace("succeeded", message, null);
      ledger.onSuccess(message);
    } else {
      trace("failed", message, failure);
      ledger.onFailed(message, failure);
    }
  }

  private void trace(String what, OutMessage message, Throwable failure) {
    if (world.isTracing()) {
      world.trace(
          "program: is told that %s %s%s",
          message, what, failure == null ? "" : ": " + failure.getMessage());
    }
  }

  /** Tells whether a client that was closed has left a message to the next one. */
  private static boolean isKept(Throwable failure) {
    return failure instanceof MqttDisconnectedException
        && failure.getMessage().contains("session store keeps the message");
  }

  /** Comes before the future is complete; messages of earlier processes have no future. */
  private void onPublished(PublishEvent event) {
    if (event.tag().isPresent()) {
      OutMessage message = ledger.out(Integer.parseInt(event.tag().get()));
      if (!cancelled.contains(message)) {
        settle(message, event.failure().orElse(null));
      }
    }
  }

  private void cancel() {
    if (publishing.isEmpty()) {
      return;
    }
    for (OutMessage message : ledger.open()) {
      MqttFuture<PublishResult> future = publishing.get(message);
      if (future != null && world.oneIn(3)) {
        world.trace("program: cancels %s", message);
        future.cancel(false);
        return;
      }
    }
  }

  // ---- subscriptions

  private void request(boolean subscribes, int topic, int qos) {
    Request request = requests.add(subscribes, topic, qos);
    openRequests++;
    if (world.isTracing()) {
      world.trace(
          "program: %s %s QoS %d",
          subscribes ? "subscribes to" : "unsubscribes from", Topics.name(topic), qos);
    }
    String filter = Topics.name(topic);
    MqttFuture<?> future =
        subscribes ? client().subscribe(filter, QOS[qos]) : client().unsubscribe(filter);
    SimulatedProcess asker = process;
    future.whenComplete(
        (result, failure) -> {
          if (asker.isAlive()) {
            openRequests--;
            world.guard(() -> request.onAnswer(failure == null));
            maybeAct();
          }
        });
  }

  void verifySubscriptions(ServerSession session) {
    requests.verify(session);
  }

  // ---- messages for it

  private void onMessage(Message incoming) {
    InMessage message =
        ledger.onGiven(
            OutMessage.numberIn(incoming.payloadBytes()),
            Topics.indexOf(incoming.topic()),
            incoming.qos().code(),
            incoming.packetIdentifier());
    if (world.isTracing()) {
      world.trace("program: handles %s id %d", message, incoming.packetIdentifier());
    }
    if (message.qos > 0) {
      ledger.onHandled(message);
      message.held = false;
      message.answered = true;
    }
  }
}
