// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.hivemq;

import com.hivemq.bootstrap.netty.NettyConfiguration;
import com.hivemq.common.shutdown.HiveMQShutdownHook;
import com.hivemq.persistence.connection.ConnectionPersistence;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Closes the listeners and the clients' connections, then ends the event loops. Runs once, on the
 * thread that stops the server, at the place among HiveMQ's shutdown hooks that its own has.
 */
final class PromptNettyShutdown implements HiveMQShutdownHook {

  private static final int TIMEOUT_SECONDS = 10;

  private final ConnectionPersistence connections;
  private final NettyConfiguration netty;

  PromptNettyShutdown(ConnectionPersistence connections, NettyConfiguration netty) {
    this.connections = connections;
    this.netty = netty;
  }

  @Override
  public String name() {
    return "Prompt Netty shutdown";
  }

  @Override
  public Priority priority() {
    return Priority.MEDIUM;
  }

  @Override
  public void run() {
    try {
      connections.shutDown().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // A connection that does not close in order is closed by the end of its event loop.
    }
    connections.interruptShutdown();
    Future<?> clients = end(netty.getChildEventLoopGroup());
    Future<?> listeners = end(netty.getParentEventLoopGroup());
    clients.awaitUninterruptibly();
    listeners.awaitUninterruptibly();
  }

  private static Future<?> end(EventLoopGroup group) {
    return group.shutdownGracefully(0, TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }
}
