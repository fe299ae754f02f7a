// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The MQTT client whose network loop belongs to the program that uses it. */
module io.bight.client {
  requires transitive io.bight.core;
  requires io.netty.codec;
  requires io.netty.codec.http;
  requires io.netty.handler;
  requires io.netty.handler.proxy;
  requires io.netty.resolver;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.netty.transport.unix.common;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports io.bight.client;
}
