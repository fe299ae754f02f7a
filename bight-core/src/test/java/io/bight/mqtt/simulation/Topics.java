// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

/** The few topics of the simulation, by number: the client publishes to some, and gets others. */
final class Topics {
  /** Topics that the client publishes to. */
  static final int OUTGOING = 3;

  /** Topics that the client subscribes to. */
  static final int INCOMING = 3;

  /** A topic that no subscription is granted for. */
  static final int FORBIDDEN = OUTGOING + INCOMING;

  static final int ALL = FORBIDDEN + 1;

  private static final String[] NAMES = {"t/0", "t/1", "t/2", "t/3", "t/4", "t/5", "t/6"};
  private static final int LENGTH = 3;

  private Topics() {}

  static String name(int topic) {
    return NAMES[topic];
  }

  static int indexOf(String name) {
    return name.charAt(2) - '0';
  }

  static int indexOf(byte[] bytes, int at, int length) {
    int topic = bytes[at + 2] - '0';
    if (length != LENGTH || bytes[at] != 't' || bytes[at + 1] != '/' || topic < 0 || topic >= ALL) {
      throw new Violation("a topic is none that was ever used");
    }
    return topic;
  }
}
