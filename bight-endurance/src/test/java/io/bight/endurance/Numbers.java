// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The messages of a run: message n is known by its number everywhere. Number, topic, QoS and
 * payload follow from each other. No two payloads are of the same length, so that a broker's log,
 * which tells the length, can be searched for a message.
 */
final class Numbers {
  static final String FILTER = "kill/#";

  /** Published last, so that whoever has it has everything before it. */
  static final String END_TOPIC = "kill/end";

  private static final int TOPICS = 3;
  private static final int SHORTEST = 100;

  private Numbers() {}

  static Publish message(int number) {
    return Publish.builder(topic(number)).payload(payload(number)).qos(qos(number)).build();
  }

  static Qos qos(int number) {
    return mixed(number) % 2 == 0 ? Qos.EXACTLY_ONCE : Qos.AT_LEAST_ONCE;
  }

  /** Order is promised per topic and QoS, and each topic has messages of one QoS only. */
  static String topic(int number) {
    return "kill/qos" + qos(number).code() + "/" + mixed(number) / 2 % TOPICS;
  }

  static int payloadLength(int number) {
    return SHORTEST + number;
  }

  private static byte[] payload(int number) {
    byte[] payload = new byte[payloadLength(number)];
    Arrays.fill(payload, (byte) ('a' + number % 26));
    byte[] digits = (number + ":").getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(digits, 0, payload, 0, digits.length);
    return payload;
  }

  /**
   * Returns the number of a message that has arrived.
   *
   * @throws IllegalArgumentException if it is not as it was published
   */
  static int number(String topic, byte[] payload) {
    int number = payload.length - SHORTEST;
    if (number <= 0 || !topic(number).equals(topic) || !Arrays.equals(payload, payload(number))) {
      throw new IllegalArgumentException(
          "a message at "
              + topic
              + " of "
              + payload.length
              + " bytes is not as it was published: "
              + new String(payload, 0, Math.min(20, payload.length), StandardCharsets.UTF_8));
    }
    return number;
  }

  /** Spreads QoS and topics over the numbers, the same in every process. */
  private static int mixed(int number) {
    return (number * 0x9E3779B9 >>> 12) & 0xFFFF;
  }
}
