// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.util.concurrent.CompletionStage;

/** A client library: what its connections share is its own. */
public interface Peer extends AutoCloseable {
  /** Connects; waits where the library has no other way. */
  CompletionStage<? extends Connection> open(ConnectionOptions options) throws Exception;

  @Override
  void close() throws Exception;

  /** The peer of a name in {@link PeerName}, which is loaded only now: a start is measured. */
  static Peer of(PeerName name) {
    return switch (name) {
      case BIGHT, BIGHT_OWN_LOOP, BIGHT_BATCH, BIGHT_OPENSSL -> new BightPeer(name);
      case VERTX -> new VertxPeer(false);
      case VERTX_CONTEXT -> new VertxPeer(true);
      case HIVEMQ -> new HiveMqPeer();
      case PAHO_V3 -> new PahoV3Peer();
      case PAHO_V5 -> new PahoV5Peer();
      case AWS_CRT -> new AwsCrtPeer();
      case RAW, RAW_NETTY, LIBMOSQUITTO ->
          throw new IllegalArgumentException(name + " is no client for Java.");
    };
  }
}
