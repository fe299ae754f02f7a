// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.ReasonCode;

/**
 * The bytes that were read are no packet of the specification, or one that is not allowed here
 * [MQTT 5.0, section 4.13]. The connection cannot go on; the reason code is the one to close it
 * with. It carries no stack trace: the fault is the peer's, and the message says where it lies.
 */
public final class MqttDecodeException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ReasonCode reasonCode;

  MqttDecodeException(ReasonCode reasonCode, String message) {
    super(message, null, false, false);
    this.reasonCode = reasonCode;
  }

  /**
   * Returns the reason that the specification names for this mistake.
   *
   * @return the reason code for DISCONNECT or CONNACK
   */
  public ReasonCode reasonCode() {
    return reasonCode;
  }
}
