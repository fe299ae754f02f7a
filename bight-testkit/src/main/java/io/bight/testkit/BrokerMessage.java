// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttProperties.MqttProperty;
import java.util.ArrayList;
import java.util.List;

/** A message on its way through {@link BehavingBroker}. */
@SuppressWarnings("ArrayRecordComponent") // never compared
record BrokerMessage(
    String topic,
    byte[] payload,
    int qos,
    boolean retain,
    List<MqttProperty<?>> properties,
    String publisher) {

  BrokerMessage forSubscriber(int grantedQos, boolean retainFlag, List<MqttProperty<?>> added) {
    List<MqttProperty<?>> all = new ArrayList<>(properties);
    all.addAll(added);
    return new BrokerMessage(
        topic, payload, Math.min(qos, grantedQos), retainFlag, List.copyOf(all), publisher);
  }

  OutgoingPacket toPacket(int packetIdentifier, boolean dup) {
    OutgoingPacket publish =
        new OutgoingPacket(PacketType.PUBLISH)
            .topic(topic)
            .payload(payload)
            .qos(qos)
            .retain(retain)
            .dup(dup)
            .packetIdentifier(packetIdentifier);
    properties.forEach(publish::nettyProperty);
    return publish;
  }
}
