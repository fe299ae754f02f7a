// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.internal;

/**
 * The bridge between the application's classes and the isolated ones: {@code EmbeddedBroker} calls
 * it, a class of the package {@code io.bight.broker.hivemq} implements it behind {@link
 * IsolatingClassLoader}. Its signatures name types of the JDK and of this package only.
 *
 * <p>One object is one run of the server: {@code start} once, then {@code stop} once. Not safe for
 * use by several threads; {@code EmbeddedBroker} holds its lock.
 */
public interface BrokerServer {

  /**
   * Starts the server and returns when its listeners accept connections. When it throws, nothing is
   * left running.
   *
   * @param settings where to listen and where to keep files
   * @throws Exception whatever the server failed with
   */
  void start(BrokerSettings settings) throws Exception;

  /**
   * The TCP port the server listens on.
   *
   * @return the port, never 0
   */
  int port();

  /**
   * The WebSocket port the server listens on.
   *
   * @return the port, or {@link BrokerSettings#NO_LISTENER}
   */
  int webSocketPort();

  /** Closes the listeners and connections and ends the server's threads before it returns. */
  void stop();
}
