// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttStoreException;

/** Opens the store of a client's session when the client is built. */
@FunctionalInterface
public interface SessionStoreOpener {
  /**
   * Opens the store. Called by the thread that builds the client.
   *
   * @param clientIdentifier whose session it is; never empty
   * @return the store, which the client closes when it is closed
   * @throws MqttStoreException if it cannot be opened, is in use, or is that of another client
   */
  SessionStore open(String clientIdentifier);
}
