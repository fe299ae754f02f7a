// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.Properties;
import java.util.ArrayDeque;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bound on requests that wait, at its edge. */
class RequestRoomTest {
  private final RequestRoom room = new RequestRoom();

  private static RequestFuture<Void> request(MqttLoop loop) {
    return new RequestFuture<>(loop, "a request");
  }

  private boolean take(RequestFuture<?> request) {
    return room.tryTake(request, List.of("a"), Properties.NONE, "client 'x'");
  }

  @Test
  void thereIsRoomForAsManyAsThereArePacketIdentifiersIfTheBytesAllowIt() {
    try (MqttLoop loop = MqttLoop.create()) {
      ArrayDeque<RequestFuture<Void>> waiting = new ArrayDeque<>();
      RequestFuture<Void> next = request(loop);
      while (take(next)) {
        waiting.add(next);
        next = request(loop);
      }
      RequestFuture<Void> refused = next;
      assertThat(waiting).hasSize(RequestRoom.MAXIMUM_REQUESTS);
      assertThatThrownBy(() -> refused.getNow(null))
          .hasCauseInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("65535")
          .hasMessageContaining("client 'x'");
      waiting.remove().complete(null);
      assertThat(take(request(loop))).as("after one was answered").isTrue();
      assertThat(take(request(loop))).isFalse();
    }
  }
}
