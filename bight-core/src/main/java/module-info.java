// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

/** The MQTT protocol without I/O: values, codec, session and engine. */
module io.bight.core {
  requires transitive io.netty.buffer;
  requires transitive io.netty.common;
  requires static transitive org.jspecify;

  exports io.bight.mqtt;
  exports io.bight.mqtt.packet;
  exports io.bight.mqtt.codec;
  exports io.bight.mqtt.engine;
}
