// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/** The quality of service of a message or subscription [MQTT 5.0, section 4.3]. */
public enum Qos {
  /** QoS 0: sent once, not acknowledged; lost when the connection breaks on the way. */
  AT_MOST_ONCE(0),
  /** QoS 1: repeated after a reconnect until acknowledged; may arrive more than once. */
  AT_LEAST_ONCE(1),
  /** QoS 2: a two-step handshake; arrives exactly once as long as the session lives. */
  EXACTLY_ONCE(2);

  private static final Qos[] VALUES = values();

  private final int code;

  Qos(int code) {
    this.code = code;
  }

  /**
   * Returns the number that stands for this level on the wire.
   *
   * @return 0, 1 or 2
   */
  public int code() {
    return code;
  }

  /**
   * Returns the level for its number.
   *
   * @param code 0, 1 or 2
   * @return the level
   * @throws IllegalArgumentException if the number is none of the three
   */
  public static Qos of(int code) {
    if (code < 0 || code > 2) {
      throw new IllegalArgumentException("QoS is 0, 1 or 2, not " + code);
    }
    return VALUES[code];
  }

  /**
   * Returns the lower of two levels.
   *
   * @param other the level to compare with
   * @return this level or the other, whichever is lower
   */
  public Qos atMost(Qos other) {
    return code <= other.code ? this : other;
  }
}
