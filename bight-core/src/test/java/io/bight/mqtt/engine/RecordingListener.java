// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Packet;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Remembers the engine's events; a test may run something inside each. */
final class RecordingListener implements EngineListener {
  final List<Connack> connacks = new ArrayList<>();
  final List<ConnectionEnd> ends = new ArrayList<>();
  final List<IncomingPublish> messages = new ArrayList<>();
  final List<Auth> auths = new ArrayList<>();
  final List<MqttException> resubscribeFailures = new ArrayList<>();
  final List<String> packets = new ArrayList<>();
  final List<Packet> sent = new ArrayList<>();
  final List<MqttException> storeFailures = new ArrayList<>();
  int storeRecoveries;
  boolean wantsPackets;
  int askedForPackets;

  Consumer<Connack> whenConnected = connack -> {};
  Consumer<ConnectionEnd> whenEnded = end -> {};
  Consumer<IncomingPublish> whenMessage = message -> {};
  Consumer<Auth> whenAuth = auth -> {};

  @Override
  public void onConnected(Connack connack) {
    connacks.add(connack);
    whenConnected.accept(connack);
  }

  @Override
  public void onConnectionEnded(ConnectionEnd end) {
    ends.add(end);
    whenEnded.accept(end);
  }

  @Override
  public void onMessage(IncomingPublish message) {
    messages.add(message);
    whenMessage.accept(message);
  }

  @Override
  public void onAuth(Auth auth) {
    auths.add(auth);
    whenAuth.accept(auth);
  }

  @Override
  public void onResubscribeFailure(MqttException failure) {
    resubscribeFailures.add(failure);
  }

  @Override
  public void onStoreFailure(MqttStoreException failure) {
    storeFailures.add(failure);
  }

  @Override
  public void onStoreRecovered() {
    storeRecoveries++;
  }

  @Override
  public void onPacket(boolean isSent, Packet packet) {
    packets.add((isSent ? ">> " : "<< ") + packet.type());
    if (isSent) {
      sent.add(packet);
    }
  }

  @Override
  public boolean wantsPackets() {
    askedForPackets++;
    return wantsPackets;
  }
}
