// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/** A version of the protocol, as CONNECT names it [MQTT 5.0, sections 3.1.2.1 and 3.1.2.2]. */
public enum MqttVersion {
  /** MQTT 3.1, the version before standardization. */
  MQTT_3_1("MQIsdp", 3, "3.1"),
  /** MQTT 3.1.1, OASIS standard of 2014. */
  MQTT_3_1_1("MQTT", 4, "3.1.1"),
  /** MQTT 5.0, OASIS standard of 2019. */
  MQTT_5("MQTT", 5, "5.0");

  private final String protocolName;
  private final int protocolLevel;
  private final String label;

  MqttVersion(String protocolName, int protocolLevel, String label) {
    this.protocolName = protocolName;
    this.protocolLevel = protocolLevel;
    this.label = label;
  }

  /**
   * Returns the protocol name in CONNECT.
   *
   * @return {@code MQIsdp} or {@code MQTT}
   */
  public String protocolName() {
    return protocolName;
  }

  /**
   * Returns the protocol version number in CONNECT.
   *
   * @return 3, 4 or 5
   */
  public int protocolLevel() {
    return protocolLevel;
  }

  /**
   * Tells whether packets carry properties and reason codes.
   *
   * @return true for 5.0
   */
  public boolean hasProperties() {
    return this == MQTT_5;
  }

  /** Returns the version as people write it: {@code 3.1}, {@code 3.1.1} or {@code 5.0}. */
  @Override
  public String toString() {
    return label;
  }
}
