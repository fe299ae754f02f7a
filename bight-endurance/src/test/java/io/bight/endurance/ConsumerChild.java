// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that handles messages and wants none lost and, at QoS 2, none handled twice, however
 * often it is killed. To handle a message is to write its number down.
 */
final class ConsumerChild {
  private static final int LONGEST_WORK_NANOS = 2_000_000;

  private final Ledger ledger;
  private final Random random;

  /** Whether each message is some work, so that many wait behind it unacknowledged. */
  private final boolean works;

  private ConsumerChild(Ledger ledger, long seed) {
    this.ledger = ledger;
    this.random = new Random(seed);
    this.works = random.nextBoolean();
  }

  public static void main(String[] arguments) throws Exception {
    ChildSettings settings = ChildSettings.of(arguments);
    Ledger ledger = Ledger.open(settings.ledger());
    ledger.write("start", settings.durability().name());
    ConsumerChild consumer = new ConsumerChild(ledger, settings.seed());
    MqttClient client =
        settings
            .client()
            .onMessage(consumer::handle)
            .onSubscribed(event -> ledger.write("subscribed", Numbers.FILTER))
            .build();
    client.subscribe(Numbers.FILTER, Qos.EXACTLY_ONCE);
    client.connectAsync();
    client.loopForever();
  }

  private void handle(Message message) {
    if (message.topic().equals(Numbers.END_TOPIC)) {
      ledger.write("end", message.payloadUtf8());
      return;
    }
    int number;
    try {
      number = Numbers.number(message.topic(), message.payloadBytes());
    } catch (IllegalArgumentException e) {
      ledger.write("violation", e.getMessage());
      return;
    }
    if (works) {
      LockSupport.parkNanos(random.nextInt(LONGEST_WORK_NANOS));
    }
    ledger.write("handled", number);
  }
}
