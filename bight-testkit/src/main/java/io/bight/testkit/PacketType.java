// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttMessageType;

/** The control packet types of MQTT, in the order of their numbers (MQTT 5.0, section 2.1.2). */
public enum PacketType {
  /** Client to server: the first packet of a connection. */
  CONNECT,
  /** Server to client: the answer to CONNECT. */
  CONNACK,
  /** Either way: a message. */
  PUBLISH,
  /** Either way: the answer to PUBLISH at QoS 1. */
  PUBACK,
  /** Either way: the first answer to PUBLISH at QoS 2. */
  PUBREC,
  /** Either way: the answer to PUBREC. */
  PUBREL,
  /** Either way: the answer to PUBREL. */
  PUBCOMP,
  /** Client to server: asks for messages. */
  SUBSCRIBE,
  /** Server to client: the answer to SUBSCRIBE. */
  SUBACK,
  /** Client to server: asks for no more messages. */
  UNSUBSCRIBE,
  /** Server to client: the answer to UNSUBSCRIBE. */
  UNSUBACK,
  /** Client to server: keeps the connection alive. */
  PINGREQ,
  /** Server to client: the answer to PINGREQ. */
  PINGRESP,
  /** Either way in MQTT 5.0, client to server before: the last packet of a connection. */
  DISCONNECT,
  /** Either way, MQTT 5.0 only: a step of extended authentication. */
  AUTH;

  static PacketType of(MqttMessageType type) {
    return valueOf(type.name());
  }

  MqttMessageType toNetty() {
    return MqttMessageType.valueOf(name());
  }
}
