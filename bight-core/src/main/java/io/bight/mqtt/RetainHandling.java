// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * Whether retained messages are sent when a subscription is made [MQTT 5.0, section 3.8.3.1]. A
 * server of an earlier version always sends them.
 */
public enum RetainHandling {
  /** Retained messages are sent on every SUBSCRIBE. The default. */
  SEND(0),
  /** Retained messages are sent only when the subscription did not exist before. */
  SEND_IF_NEW(1),
  /** Retained messages are not sent. */
  DO_NOT_SEND(2);

  private static final RetainHandling[] VALUES = values();

  private final int code;

  RetainHandling(int code) {
    this.code = code;
  }

  /**
   * Returns the number that stands for this choice on the wire.
   *
   * @return 0, 1 or 2
   */
  public int code() {
    return code;
  }

  /**
   * Returns the choice for its number.
   *
   * @param code 0, 1 or 2
   * @return the choice
   * @throws IllegalArgumentException if the number is none of the three
   */
  public static RetainHandling of(int code) {
    if (code < 0 || code > 2) {
      throw new IllegalArgumentException("Retain Handling is 0, 1 or 2, not " + code);
    }
    return VALUES[code];
  }
}
