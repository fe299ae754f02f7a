// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The works: how each is done, by whom, and what it wants of the sink. */
public enum WorkName {
  PUBLISH_QOS0("publishes at QoS 0 until written"),
  PUBLISH_QOS1("publishes at QoS 1 until acknowledged"),
  PUBLISH_QOS2("publishes at QoS 2 until complete"),
  RECEIVE_QOS0("receives what the server floods it with, at QoS 0"),
  RECEIVE_QOS1("the same at QoS 1, acknowledged after the callback"),
  PING_PONG_QOS0("one message in flight, sent back by the server, at QoS 0"),
  PING_PONG_QOS1("the same at QoS 1"),
  RATE("1,000 QoS 1 messages a second, not pinned: latency until acknowledged"),
  TLS_PUBLISH("publishes at QoS 0 through TLS"),
  TLS_RECEIVE("receives at QoS 0 through TLS"),
  IDLE("many connections that do nothing"),
  TRICKLE("many connections, a message a second each"),
  RECONNECT("the server closes the connection: until the subscription works again"),
  DURABLE("publishes at QoS 1 with a session on disk"),
  START("process start to published and exited"),
  CURVE_CONNECTIONS("cost of a message over the number of connections, QoS 0"),
  CURVE_FILTERS("cost of a message over the number of subscribed filters, QoS 0"),
  CURVE_INFLIGHT("cost of a message over the messages in flight, QoS 1");

  private final String description;

  WorkName(String description) {
    this.description = description;
  }

  public String description() {
    return description;
  }

  /** As on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  public static WorkName of(String text) {
    for (WorkName name : values()) {
      if (name.text().equals(text)) {
        return name;
      }
    }
    throw new IllegalArgumentException("There is no work " + text + ".");
  }

  /** What this peer does; null if it cannot, or the comparison would say nothing. */
  public @Nullable Work work(PeerName peer) {
    if (peer.isRaw()) {
      return peer == PeerName.RAW ? rawWork() : rawNettyWork(true);
    }
    if (peer == PeerName.LIBMOSQUITTO
        || (peer == PeerName.BIGHT_OPENSSL && !isTls())
        || (peer == PeerName.BIGHT_BATCH && !isPublish())
        || (peer == PeerName.AWS_CRT && this == PUBLISH_QOS2)
        || (isFromProgram() && (peer == PeerName.BIGHT_OWN_LOOP || peer == PeerName.VERTX_CONTEXT))
        || (this == DURABLE && peer != PeerName.BIGHT && peer != PeerName.PAHO_V3)) {
      return null;
    }
    return switch (this) {
      case PUBLISH_QOS0, TLS_PUBLISH, CURVE_CONNECTIONS -> new PublishWork(0);
      case PUBLISH_QOS1, DURABLE, CURVE_INFLIGHT -> new PublishWork(1);
      case PUBLISH_QOS2 -> new PublishWork(2);
      case RECEIVE_QOS0, TLS_RECEIVE, CURVE_FILTERS -> new ReceiveWork(0);
      case RECEIVE_QOS1 -> new ReceiveWork(1);
      case PING_PONG_QOS0 -> new PingPongWork(0);
      case PING_PONG_QOS1 -> new PingPongWork(1);
      case RATE -> new RateWork();
      case IDLE -> new IdleWork();
      case TRICKLE -> new TrickleWork();
      case RECONNECT -> new ReconnectWork();
      case START -> new StartWork();
    };
  }

  private @Nullable Work rawWork() {
    return switch (this) {
      case PUBLISH_QOS0 -> new RawWork(RawWork.Kind.PUBLISH, 0);
      case PUBLISH_QOS1 -> new RawWork(RawWork.Kind.PUBLISH, 1);
      case RECEIVE_QOS0 -> new RawWork(RawWork.Kind.RECEIVE, 0);
      case RECEIVE_QOS1 -> new RawWork(RawWork.Kind.RECEIVE, 1);
      case PING_PONG_QOS0 -> new RawWork(RawWork.Kind.PING_PONG, 0);
      case DURABLE -> new RawAppendWork();
      case TLS_PUBLISH, TLS_RECEIVE -> rawNettyWork(false);
      default -> null;
    };
  }

  private @Nullable Work rawNettyWork(boolean perMessage) {
    return switch (this) {
      case PUBLISH_QOS0, TLS_PUBLISH -> new RawNettyWork(RawWork.Kind.PUBLISH, perMessage);
      case RECEIVE_QOS0, TLS_RECEIVE -> new RawNettyWork(RawWork.Kind.RECEIVE, perMessage);
      default -> null;
    };
  }

  /** Whether the program's own thread sets the pace, so that it cannot be the client's as well. */
  private boolean isFromProgram() {
    return switch (this) {
      case RATE, IDLE, TRICKLE, START, DURABLE, CURVE_CONNECTIONS -> true;
      default -> false;
    };
  }

  /** Who does it unless the command line says otherwise. */
  public List<PeerName> peers(boolean libmosquitto) {
    List<PeerName> all = new ArrayList<>();
    if (isCurve()) {
      return List.of(PeerName.BIGHT, PeerName.VERTX, PeerName.HIVEMQ);
    }
    for (PeerName peer : PeerName.values()) {
      boolean done = peer == PeerName.LIBMOSQUITTO ? libmosquitto && isInC() : work(peer) != null;
      boolean tooMany = isMany() && peer.threadsPerConnection() > 0;
      // On its own loop or context a client only publishes differently.
      boolean variant = peer == PeerName.BIGHT_OWN_LOOP || peer == PeerName.VERTX_CONTEXT;
      if (done && !tooMany && (!variant || isPublish())) {
        all.add(peer);
      }
    }
    return all;
  }

  /** Whether libmosquitto.c does it. */
  public boolean isInC() {
    return switch (this) {
      case PUBLISH_QOS0, PUBLISH_QOS1, PUBLISH_QOS2, RECEIVE_QOS0, RECEIVE_QOS1 -> true;
      case PING_PONG_QOS0, PING_PONG_QOS1, RATE, START -> true;
      default -> false;
    };
  }

  private boolean isPublish() {
    return this == PUBLISH_QOS0 || this == PUBLISH_QOS1 || this == PUBLISH_QOS2;
  }

  public boolean isCurve() {
    return this == CURVE_CONNECTIONS || this == CURVE_FILTERS || this == CURVE_INFLIGHT;
  }

  /** The numbers that a curve is drawn over. */
  public List<Integer> points() {
    return switch (this) {
      case CURVE_CONNECTIONS, CURVE_FILTERS -> List.of(1, 10, 100, 1_000, 10_000);
      case CURVE_INFLIGHT -> List.of(1, 10, 100, 1_000, 10_000, 60_000);
      default -> List.of(0);
    };
  }

  /** Whether it is done with thousands of connections. */
  public boolean isMany() {
    return this == IDLE || this == TRICKLE;
  }

  /** Whether client and sink are kept on a core each. */
  public boolean isPinned() {
    return switch (this) {
      case RATE, IDLE, TRICKLE, RECONNECT, START -> false;
      default -> true;
    };
  }

  public boolean isTls() {
    return this == TLS_PUBLISH || this == TLS_RECEIVE;
  }

  public SinkOptions sinkOptions(int payloadBytes, int window, @Nullable Path keyStore) {
    boolean echo = this == PING_PONG_QOS0 || this == PING_PONG_QOS1;
    return new SinkOptions(
        echo, this == RECONNECT, payloadBytes, window, isTls() ? keyStore : null);
  }

  /** How many processes make a round: where one gives a single short time, several. */
  public int processesPerRound() {
    return this == RECONNECT || this == START ? 5 : 1;
  }

  /** The figure that ranks the peers. */
  public String mainFigure() {
    return switch (this) {
      case PING_PONG_QOS0, PING_PONG_QOS1, RATE -> "p50_micros";
      case IDLE -> "connect_cpu_seconds";
      case TRICKLE -> "cpu_percent";
      case RECONNECT, START -> "wall_millis";
      case CURVE_CONNECTIONS, CURVE_FILTERS, CURVE_INFLIGHT -> "cpu_nanos_per_message";
      default -> "messages_per_second";
    };
  }
}
