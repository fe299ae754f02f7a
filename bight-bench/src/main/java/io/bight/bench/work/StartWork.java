// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Completion;
import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Connects, publishes one QoS 1 message, and disconnects when it is acknowledged. The time is taken
 * outside, from the start of the process to its end.
 */
record StartWork() implements Work {
  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    try (Peer peer = Peer.of(name);
        Connection connection = Work.open(peer, Work.connectionOptions(options))) {
      Done done = new Done();
      connection.publish(TOPIC, new byte[options.payloadBytes()], 1, done);
      done.future.get(30, TimeUnit.SECONDS);
    }
    return new Figures();
  }

  private static final class Done implements Completion {
    private final CompletableFuture<String> future = new CompletableFuture<>();

    @Override
    public void accept(@Nullable Object result, @Nullable Throwable failure) {
      if (failure == null) {
        future.complete("");
      } else {
        future.completeExceptionally(failure);
      }
    }
  }
}
