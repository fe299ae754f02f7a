// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** A scripted MQTT server, virtual time and leak checks for tests. */
module io.bight.testkit {
  requires transitive io.netty.buffer;
  requires io.netty.codec;
  requires io.netty.codec.mqtt;
  requires io.netty.common;
  requires io.netty.transport;
  requires java.management;
  requires jdk.management;
  requires static transitive org.jspecify;
  requires static transitive org.junit.jupiter.api;

  exports io.bight.testkit;
}
