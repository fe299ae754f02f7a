// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.EngineListener;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.packet.Connack;

/** Does nothing with what an engine tells. */
final class SilentListener implements EngineListener {
  @Override
  public void onConnected(Connack connack) {}

  @Override
  public void onConnectionEnded(ConnectionEnd end) {}

  @Override
  public void onMessage(IncomingPublish message) {}
}
