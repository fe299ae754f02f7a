// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;

/** The four packets that carry a QoS 1 or 2 message on [MQTT 5.0, section 4.3]; they look alike. */
public sealed interface Acknowledgement extends Packet permits Puback, Pubrec, Pubrel, Pubcomp {
  /**
   * Returns the identifier of the message.
   *
   * @return 1 to 65,535
   */
  int packetIdentifier();

  /**
   * Returns the outcome.
   *
   * @return the reason code; always success before MQTT 5.0
   */
  ReasonCode reasonCode();

  /**
   * Returns the properties.
   *
   * @return Reason String and User Properties
   */
  Properties properties();
}
