// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.simulation.Requests.Request;
import java.util.ArrayList;
import java.util.List;

/**
 * The program that uses the client: publishes, subscribes, handles messages now, later and out of
 * order, disconnects and connects. After the death of its process it looks into the ledger, and
 * publishes anew what is neither stored nor was told.
 */
final class SimulatedProgram {
  private static final Qos[] QOS = Qos.values();

  /** A message that the program works on. */
  private record Held(IncomingPublish incoming, InMessage message, boolean handled) {}

  private final Simulation world;
  private final Scenario scenario;
  private final Ledger ledger;
  private final SimulatedStore store;
  private final Requests requests = new Requests();

  // As long as a process
  private final List<Held> held = new ArrayList<>();
  private int openRequests;
  private boolean paused;
  private boolean abandons;

  SimulatedProgram(Simulation world, Ledger ledger, SimulatedStore store) {
    this.world = world;
    this.scenario = world.scenario();
    this.ledger = ledger;
    this.store = store;
  }

  private MqttEngine engine() {
    return world.client().engine();
  }

  private long now() {
    return world.nowNanos();
  }

  /** Tells whether the program waits for nothing. */
  boolean isQuiet() {
    return held.isEmpty() && openRequests == 0 && ledger.open().isEmpty() && !paused;
  }

  String describe() {
    return "program: "
        + ledger.open().size()
        + " outcomes, "
        + openRequests
        + " answers awaited, "
        + held.size()
        + " messages held"
        + (paused ? ", receiving paused" : "");
  }

  // ---- its process

  /** A process begins: what the last one asked for in vain is asked for again. */
  void onStart() {
    for (OutMessage died : ledger.takeDied()) {
      if (died.qos > 0 || world.oneIn(2)) {
        publish(died.topic, died.qos, died.policy);
      }
    }
    requests.goOnWith(store);
    for (Request last : requests.unsettled(store)) {
      request(last.subscribes, last.topic, last.qos);
    }
    if (world.oneIn(2)) {
      world.client().connect();
    }
    world.client().flushSoon();
  }

  void onResubscribeFailure() {
    requests.onResubscribeFailure();
  }

  void onCrash() {
    held.clear();
    openRequests = 0;
    paused = false;
    abandons = false;
  }

  /** Whether it waits for a connection to end, since it will not answer a message. */
  boolean abandons() {
    return abandons;
  }

  // ---- what it does of itself

  void act() {
    int kind = world.below(100);
    if (kind < 62) {
      publish(world.below(Topics.OUTGOING), world.below(3), randomPolicy());
    } else if (kind < 74) {
      request(
          world.below(4) != 0,
          world.oneIn(25) ? Topics.FORBIDDEN : Topics.OUTGOING + world.below(Topics.INCOMING),
          world.below(3));
    } else if (kind < 80) {
      cancel();
    } else if (kind < 85) {
      disconnect();
    } else {
      world.client().connect();
    }
    world.client().flushSoon();
  }

  private OfflinePolicy randomPolicy() {
    int kind = world.below(8);
    return kind == 0
        ? OfflinePolicy.FAIL
        : kind < 3 ? OfflinePolicy.LATEST_PER_TOPIC : OfflinePolicy.QUEUE;
  }

  private void publish(int topic, int qos, OfflinePolicy policy) {
    OutMessage message = ledger.newOutgoing(topic, qos, policy, scenario.durable);
    Publish publish = message.packet(world);
    if (world.isTracing()) {
      world.trace("program: publishes %s, %s", message, policy);
    }
    message.publication = new Given(message, publish);
    var entry = engine().publish(message.publication, now());
    if (!message.ended && entry != null) {
      message.entry = entry;
    }
  }

  Completion<PublishResult> outcome(OutMessage message) {
    return new Outcome(message, world.client().life());
  }

  /** What the engine is given of a message. */
  private final class Given extends Outcome implements Publication {
    private final Publish publish;

    Given(OutMessage message, Publish publish) {
      super(message, world.client().life());
      this.publish = publish;
    }

    @Override
    public Publish message() {
      return publish;
    }

    @Override
    public OfflinePolicy offlinePolicy() {
      return message.policy;
    }

    @Override
    public String tag() {
      return message.tag;
    }

    @Override
    public void onEntry(OutgoingPublish entry) {
      message.entry = entry;
    }
  }

  private class Outcome implements Completion<PublishResult> {
    final OutMessage message;
    private final int life;
    private boolean told;

    Outcome(OutMessage message, int life) {
      this.message = message;
      this.life = life;
    }

    @Override
    public void onSuccess(PublishResult result) {
      requireFirst();
      if (world.isTracing()) {
        world.trace("program: is told that %s has succeeded", message);
      }
      ledger.onSuccess(message);
      actOnOutcome();
    }

    @Override
    public void onFailure(MqttException failure) {
      requireFirst();
      if (world.isTracing()) {
        world.trace("program: is told that %s has failed: %s", message, failure.getMessage());
      }
      ledger.onFailed(message, failure);
      actOnOutcome();
    }

    private void requireFirst() {
      if (told || life != world.client().life()) {
        throw new Violation("the outcome of " + message + " is told twice");
      }
      told = true;
    }
  }

  /** An outcome may make a program do anything. */
  private void actOnOutcome() {
    if (world.isActive() && world.oneIn(30)) {
      if (world.oneIn(4)) {
        disconnect();
      } else {
        publish(world.below(Topics.OUTGOING), world.below(3), randomPolicy());
      }
    }
  }

  private void cancel() {
    List<OutMessage> open = ledger.open();
    if (open.isEmpty()) {
      return;
    }
    OutMessage message = open.get(world.below(open.size()));
    if (message.entry != null && engine().cancel(message.entry)) {
      world.trace("program: takes %s back", message);
      ledger.onEnded(message);
      message.mustNotBeSeen = true;
      message.whyNotSeen = "the program has taken it back";
    }
  }

  void disconnect() {
    world.trace("program: disconnects");
    boolean changes = scenario.isVersion5() && scenario.sessionExpirySeconds > 0 && world.oneIn(5);
    world
        .client()
        .disconnect(
            changes
                ? new Disconnect(
                    ReasonCode.SUCCESS,
                    Properties.builder()
                        .set(Property.SESSION_EXPIRY_INTERVAL, 10L * world.below(2))
                        .build())
                : new Disconnect(ReasonCode.SUCCESS));
  }

  // ---- subscriptions

  private void request(boolean subscribes, int topic, int qos) {
    Request request = requests.add(subscribes, topic, qos);
    openRequests++;
    int life = world.client().life();
    if (world.isTracing()) {
      world.trace(
          "program: %s %s QoS %d",
          subscribes ? "subscribes to" : "unsubscribes from", Topics.name(topic), qos);
    }
    if (subscribes) {
      engine()
          .subscribe(
              List.of(new Subscription(Topics.name(topic), QOS[qos])),
              Properties.NONE,
              answer(request, life),
              now());
    } else {
      engine()
          .unsubscribe(List.of(Topics.name(topic)), Properties.NONE, answer(request, life), now());
    }
  }

  private <T> Completion<T> answer(Request request, int life) {
    return new Completion<>() {
      @Override
      public void onSuccess(T result) {
        onAnswer(request, life, true);
      }

      @Override
      public void onFailure(MqttException failure) {
        world.trace("program: is told: %s", failure.getMessage());
        onAnswer(request, life, false);
      }
    };
  }

  private void onAnswer(Request request, int life, boolean succeeded) {
    if (life != world.client().life()) {
      throw new Violation("the answer to a request of an earlier life is told");
    }
    request.onAnswer(succeeded);
    openRequests--;
  }

  /** Checks that the server has the subscriptions that are wanted, and no others. */
  void verifySubscriptions(ServerSession session) {
    requests.verify(session);
  }

  // ---- messages for it

  void onConnected() {
    if (world.isActive() && world.oneIn(40)) {
      disconnect();
    }
  }

  void onDisconnected() {
    abandons = false;
    paused = false;
    if (world.isActive() && world.oneIn(20)) {
      publish(world.below(Topics.OUTGOING), world.below(3), randomPolicy());
    }
  }

  void onMessage(IncomingPublish incoming) {
    Publish publish = incoming.message();
    int number = OutMessage.numberIn(publish.payload());
    InMessage message =
        ledger.onGiven(
            number,
            Topics.indexOf(publish.topic()),
            publish.qos().code(),
            publish.packetIdentifier());
    if (world.isTracing()) {
      world.trace("program: is given %s id %d", message, publish.packetIdentifier());
    }
    if (message.qos == 0) {
      return;
    }
    Held entry = new Held(incoming, message, false);
    if (world.percent(scenario.answersLatePercent)) {
      held.add(entry);
      finishLater();
    } else {
      finish(entry);
    }
    if (world.isActive() && world.oneIn(60)) {
      pause();
    }
  }

  private void finishLater() {
    int life = world.client().life();
    world.after(
        world.latency() * (1 + world.below(4)),
        () -> {
          if (life == world.client().life() && !held.isEmpty()) {
            finish(held.remove(scenario.handlesOutOfOrder ? world.below(held.size()) : 0));
            world.client().flushSoon();
          }
        });
  }

  private void finish(Held entry) {
    InMessage message = entry.message;
    if (!entry.handled) {
      if (world.isActive() && world.oneIn(25)) {
        abandon(entry);
        return;
      }
      if (world.isActive() && scenario.isVersion5() && world.oneIn(25)) {
        world.trace("program: refuses %s", message);
        message.refused = true;
        answer(entry, ReasonCode.UNSPECIFIED_ERROR);
        return;
      }
      world.trace("program: handles %s", message);
      ledger.onHandled(message);
      if (world.oneIn(6)) {
        held.add(new Held(entry.incoming, message, true));
        finishLater();
        return;
      }
    }
    answer(entry, ReasonCode.SUCCESS);
  }

  private void answer(Held entry, ReasonCode reason) {
    entry.message.held = false;
    entry.message.answered = true;
    engine().acknowledge(entry.incoming, reason, Properties.NONE, now());
    if (!world.client().hasStoreFailed()) {
      ledger.onAnswered(entry.message);
    }
  }

  /** The program will not answer: it is given the message again on another connection. */
  private void abandon(Held entry) {
    world.trace("program: abandons %s", entry.message);
    entry.message.held = false;
    engine().abandon(entry.incoming);
    abandons = true;
    Link link = world.client().link();
    if (link != null) {
      world.after(world.longTime(), () -> link.cut(true, true));
    }
  }

  private void pause() {
    world.trace("program: pauses receiving");
    paused = true;
    engine().pauseReceiving();
    int life = world.client().life();
    world.after(
        world.longTime(),
        () -> {
          if (life == world.client().life() && paused) {
            paused = false;
            engine().resumeReceiving(now());
            world.client().flushSoon();
          }
        });
  }
}
