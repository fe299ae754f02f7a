// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.client.MqttClient;
import io.bight.client.PublishEvent;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.engine.StoredPublish;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that publishes and wants no message lost and none twice at QoS 2, however often it is
 * killed. It writes down what it is about to publish, under which tag, and what it was told is
 * done.
 *
 * <p>In its next life, of what it was about to publish and was not told is done, the session's
 * store has some and sends it; the rest never reached the store, so it publishes that again.
 */
final class PublisherChild {
  /** More than the brokers' Receive Maximum of 20, so that some wait for it. */
  private static final int MOST_UNDER_WAY = 32;

  /**
   * MQTT 3.1.1 has no Receive Maximum, and Mosquitto 2.0.11 loses QoS 2 messages that it has
   * acknowledged where a client has more than its max_inflight_messages of 20 under way.
   */
  private static final int MOST_UNDER_WAY_BEFORE_5 = 16;

  private static final int MOST_IN_A_LIFE = 150;

  private final ChildSettings settings;
  private final Ledger ledger;
  private final Random random;
  private final MqttClient client;

  /** Whether the callback takes its time, so that many outcomes wait behind it. */
  private final boolean works;

  private final int mostUnderWay;
  private final Semaphore room;

  /** Guarded by itself: the loop's thread takes away what this thread has put in. */
  private final Set<Integer> notDone = new TreeSet<>();

  private int lastNumber;

  private PublisherChild(ChildSettings settings) throws Exception {
    this.settings = settings;
    this.ledger = Ledger.open(settings.ledger());
    this.random = new Random(settings.seed());
    this.works = random.nextBoolean();
    Set<Integer> done = new TreeSet<>();
    for (Ledger.Line line : Ledger.read(settings.ledger())) {
      if (line.is("about")) {
        notDone.add(line.number());
        lastNumber = Math.max(lastNumber, line.number());
      } else if (line.is("done")) {
        done.add(line.number());
      }
    }
    notDone.removeAll(done);
    this.mostUnderWay =
        settings.version() == MqttVersion.MQTT_5 ? MOST_UNDER_WAY : MOST_UNDER_WAY_BEFORE_5;
    this.room = new Semaphore(mostUnderWay - notDone.size()); // those of earlier lives count
    ledger.write("start", settings.durability().name());
    this.client = settings.client().onPublished(this::onPublished).build();
  }

  public static void main(String[] arguments) throws Exception {
    new PublisherChild(ChildSettings.of(arguments)).run();
  }

  private void run() throws Exception {
    publishAgainWhatWasNotStored();
    client.loopStart();
    if (settings.isLast()) {
      finish();
      return;
    }
    if (random.nextInt(3) == 0) {
      publish(random.nextInt(mostUnderWay)); // waits in the store for the connection
    }
    client.connectAsync();
    int toPublish = MOST_IN_A_LIFE;
    while (toPublish > 0) {
      int burst = 1 + random.nextInt(20);
      publish(burst);
      toPublish -= burst;
      if (random.nextInt(8) == 0) {
        client.disconnectAsync().await();
        publish(random.nextInt(10));
        client.connectAsync();
      }
      LockSupport.parkNanos(random.nextInt(3_000_000));
    }
    // Until it is killed.
    while (true) {
      LockSupport.park();
    }
  }

  private void publishAgainWhatWasNotStored() {
    Set<Integer> notStored;
    synchronized (notDone) {
      notStored = new TreeSet<>(notDone);
    }
    int lastStored = 0;
    for (StoredPublish restored : client.restoredPublishes()) {
      int number = Integer.parseInt(restored.tag());
      notStored.remove(number);
      lastStored = Math.max(lastStored, number);
      ledger.write("restored", number + ":" + restored.state());
    }
    for (int number : notStored) {
      if (number < lastStored) {
        ledger.write("violation", number + " was not stored, but " + lastStored + " was");
      }
      ledger.write("again", number);
      client.publish(Numbers.message(number), Integer.toString(number));
    }
  }

  private void publish(int messages) throws InterruptedException {
    for (int i = 0; i < messages; i++) {
      // Without a connection nothing makes room: then as many as there is room for.
      if (!room.tryAcquire(200, TimeUnit.MILLISECONDS)) {
        return;
      }
      int number = ++lastNumber;
      synchronized (notDone) {
        notDone.add(number);
      }
      ledger.write("about", number);
      client.publish(Numbers.message(number), Integer.toString(number));
    }
  }

  /** On the loop's thread. The store forgets the message after this has returned, not before. */
  private void onPublished(PublishEvent event) {
    int number = Integer.parseInt(event.tag().orElseThrow());
    if (event.failure().isPresent()) {
      ledger.write("failed", number + ": " + event.failure().get().getMessage());
      return;
    }
    if (works) {
      LockSupport.parkNanos(number % 7 * 100_000L);
    }
    ledger.write("done", number);
    synchronized (notDone) {
      if (notDone.remove(number)) { // else an earlier life was told, too
        room.release();
      }
      notDone.notifyAll();
    }
  }

  private void finish() throws Exception {
    client.connect();
    publish(10);
    synchronized (notDone) {
      while (!notDone.isEmpty()) {
        notDone.wait();
      }
    }
    client.close();
    ledger.write("finished", lastNumber);
  }
}
