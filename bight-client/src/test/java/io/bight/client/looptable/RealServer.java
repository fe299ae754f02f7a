// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.broker.EmbeddedBroker;
import io.bight.testkit.MosquittoServer;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A real server for a class of tests: mosquitto where it is installed, else the embedded broker.
 * Both listen on a free loopback port.
 */
final class RealServer implements BeforeAllCallback, AfterAllCallback {
  private MosquittoServer mosquitto;
  private EmbeddedBroker embedded;

  @Override
  public void beforeAll(ExtensionContext context) {
    if (MosquittoServer.isInstalled()) {
      mosquitto = MosquittoServer.start("max_inflight_messages 0", "max_queued_messages 0");
    } else {
      embedded = EmbeddedBroker.start();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (mosquitto != null) {
      mosquitto.close();
    }
    if (embedded != null) {
      embedded.close();
    }
  }

  String uri() {
    return mosquitto != null ? mosquitto.uri().toString() : embedded.uri();
  }
}
