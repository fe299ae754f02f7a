// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttVersion;

/** Which version, and whether there are properties. */
public enum Form {
  /** MQTT 3.1.1. */
  V3_1_1,
  /** MQTT 5.0 without properties, and with success where there is a reason code. */
  V5,
  /** MQTT 5.0 with properties, and with a reason code where there is one. */
  V5_PROPERTIES;

  MqttVersion version() {
    return this == V3_1_1 ? MqttVersion.MQTT_3_1_1 : MqttVersion.MQTT_5;
  }
}
