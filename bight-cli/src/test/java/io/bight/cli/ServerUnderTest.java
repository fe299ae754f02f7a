// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.broker.EmbeddedBroker;
import io.bight.testkit.MosquittoServer;

/** The brokers that the commands are tried against. */
enum ServerUnderTest {
  EMBEDDED,
  /** Where it is not installed, the embedded one stands in for it. */
  MOSQUITTO;

  record Running(int port, Runnable end) implements AutoCloseable {
    String portText() {
      return String.valueOf(port);
    }

    @Override
    public void close() {
      end.run();
    }
  }

  Running start() {
    if (this == MOSQUITTO && MosquittoServer.isInstalled()) {
      MosquittoServer server = MosquittoServer.start();
      return new Running(server.port(), server::close);
    }
    EmbeddedBroker broker = EmbeddedBroker.start();
    return new Running(broker.port(), broker::close);
  }
}
