// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.MDC;

/** A program for {@link LogContextTest}: two clients on one loop, driven by the main thread. */
final class LogContextProgram {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private LogContextProgram() {}

  private static void say(String what) {
    System.out.println(what + ": " + MDC.get(LogContext.CLIENT));
  }

  public static void main(String[] arguments) {
    String uri = arguments[0];
    MDC.put(LogContext.CLIENT, "main's own");
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<MqttClient> other = new AtomicReference<>();
    try (MqttLoop loop = MqttLoop.create();
        MqttClient one =
            MqttClient.builder(uri)
                .clientId("one")
                .loop(loop)
                .onConnect(event -> say("one connected"))
                .onMessage(
                    message -> {
                      say("one received");
                      if (message.payloadUtf8().equals("end")) {
                        other.get().disconnectAsync();
                        say("one again");
                        done.set(true);
                      }
                    })
                .build();
        MqttClient two =
            MqttClient.builder(uri)
                .clientId("two")
                .loop(loop)
                .onConnect(event -> say("two connected"))
                .onDisconnect(event -> say("two disconnected"))
                .onPublished(event -> say("two published"))
                .build()) {
      other.set(two);
      one.connect(LIMIT);
      two.connect(LIMIT);
      say("between");
      one.subscribe("a", Qos.AT_LEAST_ONCE).await(LIMIT);
      two.publish("a", "x", Qos.AT_LEAST_ONCE).thenRun(() -> say("two's stage")).join();
      one.publish("a", "end", Qos.AT_MOST_ONCE);
      while (!done.get()) {
        loop.loop(LIMIT);
      }
      AtomicBoolean failed = new AtomicBoolean();
      MqttClient.builder("mqtt://127.0.0.1:1")
          .clientId("three")
          .loop(loop)
          .onConnectFailure(event -> failed.set(true))
          .build()
          .connectAsync();
      while (!failed.get()) {
        loop.loop(LIMIT);
      }
    }
    say("after");
  }
}
