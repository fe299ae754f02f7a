// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.hivemq;

import com.codahale.metrics.MetricRegistry;
import com.google.inject.Injector;
import com.hivemq.HiveMQServer;
import com.hivemq.bootstrap.NettyShutdownHook;
import com.hivemq.bootstrap.netty.NettyConfiguration;
import com.hivemq.common.shutdown.HiveMQShutdownHook;
import com.hivemq.common.shutdown.ShutdownHooks;
import com.hivemq.configuration.service.FullConfigurationService;
import com.hivemq.configuration.service.InternalConfigurations;
import com.hivemq.configuration.service.PersistenceConfigurationService.PersistenceMode;
import com.hivemq.configuration.service.entity.Listener;
import com.hivemq.configuration.service.entity.TcpListener;
import com.hivemq.configuration.service.entity.WebsocketListener;
import com.hivemq.configuration.service.impl.ConfigurationServiceImpl;
import com.hivemq.configuration.service.impl.MqttConfigurationServiceImpl;
import com.hivemq.configuration.service.impl.PersistenceConfigurationServiceImpl;
import com.hivemq.configuration.service.impl.RestrictionsConfigurationServiceImpl;
import com.hivemq.configuration.service.impl.SecurityConfigurationServiceImpl;
import com.hivemq.configuration.service.impl.listener.ListenerConfigurationServiceImpl;
import com.hivemq.migration.meta.PersistenceType;
import com.hivemq.persistence.connection.ConnectionPersistence;
import com.hivemq.statistics.UsageStatisticsConfigImpl;
import io.bight.broker.internal.BrokerServer;
import io.bight.broker.internal.BrokerSettings;
import io.netty.util.ResourceLeakDetector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run of HiveMQ Community Edition, configured in code.
 *
 * <p>It builds {@link HiveMQServer} itself instead of taking the vendor's {@code EmbeddedHiveMQ},
 * because that one insists on an XML file, probes the hardware through native code, sets system
 * properties, ends the JVM when the configuration is wrong, and does not tell which free port it
 * got.
 */
public final class HiveMqServer implements BrokerServer {

  /**
   * HiveMQ's own 1000 drops what a client that is away for a moment has missed, and a test would
   * take that for a loss by the client.
   */
  private static final long MAXIMUM_QUEUED_MESSAGES = 1_000_000;

  private @Nullable HiveMQServer server;
  private @Nullable BrokerSettings settings;
  private @Nullable TcpListener tcp;
  private @Nullable WebsocketListener webSocket;

  /** Called by the class loader's side of the bridge. */
  public HiveMqServer() {}

  @Override
  public void start(BrokerSettings settings) throws Exception {
    this.settings = settings;
    CapturingLogger.addReceiver(settings.log());
    reduceToTestSize();
    tcp = new TcpListener(settings.port(), settings.host(), "tcp");
    FullConfigurationService configuration = configuration(settings, tcp);
    if (settings.webSocketPort() != BrokerSettings.NO_LISTENER) {
      webSocket =
          new WebsocketListener.Builder()
              .port(settings.webSocketPort())
              .bindAddress(settings.host())
              .path("/mqtt")
              .name("websocket")
              .build();
      configuration.listenerConfiguration().addListener(webSocket);
    }
    server =
        new HiveMQServer(
            new BrokerInformation(settings.folder()),
            new MetricRegistry(),
            configuration,
            /* enableLoggingBootstrap= */ false,
            /* migrate= */ true);
    // HiveMQ installs a handler that ends the JVM; the application's stays in force.
    Thread.UncaughtExceptionHandler applications = Thread.getDefaultUncaughtExceptionHandler();
    try {
      server.bootstrap();
      server.startInstance(null);
    } catch (Throwable e) {
      stop();
      throw e;
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(applications);
    }
  }

  private static FullConfigurationService configuration(BrokerSettings settings, Listener tcp) {
    ConfigurationServiceImpl configuration =
        new ConfigurationServiceImpl(
            new ListenerConfigurationServiceImpl(),
            new MqttConfigurationServiceImpl(),
            new RestrictionsConfigurationServiceImpl(),
            new SecurityConfigurationServiceImpl(),
            new UsageStatisticsConfigImpl(),
            new PersistenceConfigurationServiceImpl());
    configuration.listenerConfiguration().addListener(tcp);
    configuration.usageStatisticsConfiguration().setEnabled(false);
    configuration.mqttConfiguration().setMaxQueuedMessages(MAXIMUM_QUEUED_MESSAGES);
    configuration
        .persistenceConfigurationService()
        .setMode(settings.keepsSessions() ? PersistenceMode.FILE : PersistenceMode.IN_MEMORY);
    return configuration;
  }

  /** HiveMQ's defaults are for a server with the machine to itself. */
  private static void reduceToTestSize() {
    // The broker's own copy of Netty: a leak in HiveMQ is no concern of the tests.
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    InternalConfigurations.AUTH_DENY_UNAUTHENTICATED_CONNECTIONS.set(false);
    InternalConfigurations.JMX_REPORTER_ENABLED.set(false);
    InternalConfigurations.PERSISTENCE_SHUTDOWN_GRACE_PERIOD_MSEC.set(100);
    InternalConfigurations.PERSISTENCE_STARTUP_THREAD_POOL_SIZE.set(2);
    // The number of buckets is part of the format on disk: a persistent folder needs it unchanged.
    InternalConfigurations.PERSISTENCE_BUCKET_COUNT.set(4);
    InternalConfigurations.PAYLOAD_PERSISTENCE_BUCKET_COUNT.set(4);
    InternalConfigurations.PAYLOAD_PERSISTENCE_CLEANUP_THREADS.set(1);
    // Xodus (Java) instead of RocksDB (native code, a jar of 59 MB that the POM leaves out).
    InternalConfigurations.PAYLOAD_PERSISTENCE_TYPE.set(PersistenceType.FILE);
    InternalConfigurations.RETAINED_MESSAGE_PERSISTENCE_TYPE.set(PersistenceType.FILE);
    InternalConfigurations.SINGLE_WRITER_THREAD_POOL_SIZE.set(2);
    InternalConfigurations.EXTENSION_TASK_QUEUE_EXECUTOR_THREADS_COUNT.set(1);
    InternalConfigurations.MANAGED_EXTENSION_THREAD_POOL_THREADS_COUNT.set(1);
    InternalConfigurations.MQTT_EVENT_EXECUTOR_THREAD_COUNT.set(1);
  }

  @Override
  public int port() {
    if (tcp == null) {
      throw new IllegalStateException("not started");
    }
    return tcp.getPort();
  }

  @Override
  public int webSocketPort() {
    return webSocket == null ? BrokerSettings.NO_LISTENER : webSocket.getPort();
  }

  @Override
  public void stop() {
    if (server != null) {
      Injector injector = server.getInjector();
      if (injector != null) {
        replaceNettyShutdown(injector);
      }
      server.stop();
    }
    if (settings != null) {
      CapturingLogger.removeReceiver(settings.log());
    }
  }

  /** Lets the event loops end at once; HiveMQ grants them a quiet period of two seconds. */
  private static void replaceNettyShutdown(Injector injector) {
    ShutdownHooks hooks = injector.getInstance(ShutdownHooks.class);
    List<HiveMQShutdownHook> replaced =
        hooks.getShutdownHooks().values().stream()
            .filter(NettyShutdownHook.class::isInstance)
            .toList();
    replaced.forEach(hooks::remove);
    hooks.add(
        new PromptNettyShutdown(
            injector.getInstance(ConnectionPersistence.class),
            injector.getInstance(NettyConfiguration.class)));
  }
}
